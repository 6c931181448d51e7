"""Many writes of one kind: when to stop, and which rows of a batch were refused."""

from __future__ import annotations

import threading

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

import attrs

from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConfigError,
    SynapseError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session.concurrency import Outcome

LOST_IN_A_ROW: Final = 8

T = TypeVar("T")
R = TypeVar("R")


class Untried(SynapseError):  # noqa: N818 - internal signal, sorted out before anyone sees it
    """A write that was not tried, since earlier ones showed that it would fail."""


@attrs.frozen(eq=False, repr=False)
class Written(Generic[T]):
    """The items of a run by outcome, each list in the order given; `broken` is the error that their iterable raised."""

    done: list[T]
    failed: list[tuple[T, Exception]]
    untried: list[T]
    broken: Exception | None = None

    @property
    def total(self) -> int:
        """The number of items that were taken from the iterable, or are known to follow."""
        return len(self.done) + len(self.failed) + len(self.untried)

    def by(self, name: Callable[[T], R]) -> Written[R]:
        """Replace each item by what *name* returns for it."""
        return Written(
            [name(item) for item in self.done],
            [(name(item), error) for item, error in self.failed],
            [name(item) for item in self.untried],
            self.broken,
        )


class Run(Generic[T]):
    """A run of many writes, which yields its items and stops when the rest would fail as well.

    `stopped` is the error that ended it: a refused token, a session that cannot be used, a backend that asks for a
    longer pause than is allowed, or the last of several writes in a row without an answer. Writes that ran side by side
    while the backend restarted count as one: the run stops only if a write that was sent after the first of them is
    lost too. `broken` is what the iterable itself raised.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.stopped: Exception | None = None
        self.broken: Exception | None = None
        self._items = items
        self._taken = self._lost = 0
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        source = iter(self._items)
        while self.stopped is None:
            try:
                item = next(source)
            except StopIteration:
                return
            except Exception as error:
                self.broken = error
                return
            self._taken += 1
            yield item

    @property
    def rest(self) -> list[T]:
        """The items that were not taken; empty for an iterator, since they stay in it."""
        return list(self._items[self._taken :]) if isinstance(self._items, Sequence) else []

    def attempt(self, write: Callable[[Any], R]) -> Callable[[Any], R]:
        """Wrap a write: its failure may stop the run, and it is not tried once the run is stopped."""

        def tried(item: Any) -> R:
            if self.stopped is not None:
                raise Untried("not tried")
            lost_before = self._lost
            try:
                result = write(item)
            except Exception as error:
                self._note(error, later=lost_before > 0)
                raise
            with self._lock:
                self._lost = 0
            return result

        return tried

    def written(self, outcomes: Iterable[Outcome[T, Any]]) -> Written[T]:
        """Sort the items by their outcomes; those that were not taken are untried as well."""
        done: list[T] = []
        failed: list[tuple[T, Exception]] = []
        untried: list[T] = []
        for item, _, error in outcomes:
            if error is None:
                done.append(item)
            elif isinstance(error, Untried):
                untried.append(item)
            else:
                failed.append((item, error))
        return Written(done, failed, untried + self.rest, self.broken)

    def _note(self, error: Exception, *, later: bool) -> None:
        with self._lock:
            dead = False
            if isinstance(error, ClientError):
                self._lost = 0
            elif isinstance(error, TransportError) and error.status_code is None:
                self._lost += 1
                dead = later and self._lost >= LOST_IN_A_ROW
            refused = isinstance(error, AuthenticationError | ConfigError)
            away = isinstance(error, ClientError) and error.too_long
            if (refused or away or dead) and self.stopped is None:
                self.stopped = error


def create_each(
    create: Callable[[list[T]], Any],
    items: list[T],
    *,
    ends: Callable[[T, Exception], bool] = lambda item, error: False,
) -> list[Outcome[T, Any]]:
    """Create items by one request, and return the outcome of each.

    *create* returns the rows in order, with an exception in the place of a row that failed. A batch that the backend
    refuses creates nothing: the rows that its answer names are left out, else it is halved, and the others are sent
    again. A batch that is too large is halved as well. After an error that *ends* the run, later items are not created:
    those that were not tried are `Untried`.
    """
    found: dict[int, Outcome[T, Any]] = {}
    work = [list(range(len(items)))] if items else []
    while work:
        places = work.pop()
        batch = [items[place] for place in places]
        try:
            rows = rows_of(create(batch), count=len(batch))
        except Exception as error:
            # Earlier batches are created by now: whatever this error is, their outcomes must not be lost.
            bad = _refused(error, len(batch))
            told = {places[index]: Outcome(batch[index], None, own) for index, own in bad.items()}
            again = _again(places, bad=bad)
        else:
            told = {
                place: Outcome(item, None, row) if isinstance(row, Exception) else Outcome(item, row, None)
                for place, item, row in zip(places, batch, rows, strict=True)
            }
            again = []
        found |= told
        last = min(
            (place for place, (item, _, error) in told.items() if error and ends(item, error)), default=None
        )
        if last is not None:
            # The batches that are left all come after this one.
            work, again = (
                [],
                [before for part in again if (before := [place for place in part if place < last])],
            )
        work += again
    return [found.get(place) or Outcome(item, None, Untried("not tried")) for place, item in enumerate(items)]


def is_sifted(error: Exception) -> bool:
    """Whether the backend may accept parts of the batch that ended with this error."""
    too_large = isinstance(error, ClientError) and error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return too_large or isinstance(error, ValidationError)


def rows_of(answer: Any, *, count: int) -> list[Any]:
    """Return the rows of an answer, one for each that was sent; any other answer is a `WriteUnconfirmedError`."""
    if isinstance(answer, list) and len(answer) == count:
        return answer
    answered = f"{len(answer)} rows" if isinstance(answer, list) else type(answer).__name__
    raise WriteUnconfirmedError(
        f"{count} were sent, and the answer holds {answered}; they may have been created: look before you send them "
        "again"
    )


def _refused(error: Exception, count: int) -> dict[int, Exception]:
    """Return the refused rows of a batch with an error for each; none, if it has to be halved to find them."""
    if count == 1 or not is_sifted(error):
        return dict.fromkeys(range(count), error)
    if not isinstance(error, ValidationError):
        return {}
    return {
        index: _own_error(error, index, said=said) for index, said in blamed(error.response, count).items()
    }


def _again(places: list[int], *, bad: Container[int]) -> list[list[int]]:
    """Return the parts of a refused batch to send again, the first part last, since the work is a stack."""
    good = [place for index, place in enumerate(places) if index not in bad]
    if len(good) < len(places):
        return [good] if good else []
    half = len(places) // 2
    return [places[half:], places[:half]]


def blamed(response: object, count: int) -> dict[int, Any]:
    """Return what a refusal says of each row that it names: `[{}, {…}]` or `{"1": {…}}`.

    A list of texts is about the batch as a whole, even if there is one for each row.

    >>> blamed([{}, {"name": ["taken"]}], 2)
    {1: {'name': ['taken']}}
    """
    if (
        isinstance(response, list)
        and len(response) == count
        and all(isinstance(said, dict) or not said for said in response)
    ):
        return {index: said for index, said in enumerate(response) if said}
    if isinstance(response, dict) and all(str(key).isdecimal() and int(key) < count for key in response):
        return {int(key): said for key, said in response.items()}
    return {}


def _own_error(error: ValidationError, index: int, *, said: Any) -> ValidationError:
    start = f"{index}."
    errors = {
        name.removeprefix(start): texts for name, texts in error.errors.items() if name.startswith(start)
    }
    words = "; ".join(f"{name}: {text}" for name, texts in errors.items() for text in texts)
    return ValidationError(
        f"this row was refused: {words or said}",
        status_code=error.status_code,
        response=said,
        errors=errors,
        request_id=error.request_id,
    )
