"""What became of the items of an upload."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

import attrs

from synapse.masking import mask_body
from synapse.optional import optional
from synapse.showing import bounded, shortened

if TYPE_CHECKING:
    from synapse.interop.formats.report import AnnotationReport

Status: TypeAlias = Literal["created", "reused", "failed", "unknown", "planned"]

PENDING: Final = 0
_STATUSES: Final[tuple[Status, ...]] = ("created", "reused", "failed", "unknown", "planned")
_CODES: Final = {status: code for code, status in enumerate(_STATUSES, PENDING + 1)}
_SHOWN: Final = 5
_TRACED: Final = 100  # errors that keep the frames they came through
_NO_KEY: Final = -1


@bounded
@attrs.frozen
class ItemOutcome:
    """What became of one item.

    `created` and `reused` items have a `unit`, and a `task` if the run made one for a project. `failed` items have the
    `error`. `unknown`: the backend may have created a unit or a task, but it failed, or no answer came. `planned`: a
    dry run would send it.
    """

    item: Any = attrs.field(repr=lambda item: repr(mask_body(item)))
    status: Status
    unit: Any = None
    task: Any = None
    error: Exception | None = None


def _same(item: Any) -> Any:
    return item


@attrs.frozen
class Converters:
    """How stored items and the keys of units and tasks are converted to what the report shows."""

    item: Callable[[Any], Any] = _same
    unit: Callable[[int], Any] = int
    task: Callable[[int], Any] = int


class OutcomeTable:
    """What is known of each item while a run goes on: 25 bytes, beside the item itself and the errors."""

    def __init__(self, notice: Callable[[Any], object] = id) -> None:
        self.notice = notice
        self.items: list[Any] = []
        self.errors: dict[int, Exception] = {}
        self.statuses = bytearray()
        self.units = array("q")
        self.tasks = array("q")

    def add(self, item: Any) -> int:
        """Take in an item, and give its place."""
        self.notice(item)
        self.items.append(item)
        self.units.append(_NO_KEY)
        self.tasks.append(_NO_KEY)
        self.statuses.append(PENDING)
        return len(self.items) - 1

    def record(
        self,
        index: int,
        status: Status,
        *,
        unit: int | None = None,
        task: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """Write down what became of the item in this place."""
        self.units[index] = _NO_KEY if unit is None else unit
        self.tasks[index] = _NO_KEY if task is None else task
        if error is not None:
            self.errors[index] = error if len(self.errors) < _TRACED else _without_frames(error)
        self.statuses[index] = _CODES[status]

    def indexes(self, *statuses: Status) -> Iterator[int]:
        """Give the places of the items that ended as one of these, those of each in order."""
        for status in statuses:
            index = self.statuses.find(_CODES[status])
            while index >= 0:
                yield index
                index = self.statuses.find(_CODES[status], index + 1)

    def pending(self) -> list[int]:
        """Give the places of the items of which nothing is known yet."""
        return [index for index, code in enumerate(self.statuses) if code == PENDING]


class Report(Sequence[ItemOutcome]):
    """The outcomes of an upload in the order of its items, and the number of file bytes that were sent.

    It holds the items and a few bytes for each; outcomes, with their objects, are created when they are read.
    `bytes_planned` is the size of what a dry run would send.
    """

    def __init__(
        self,
        ledger: OutcomeTable,
        *,
        show: Converters | None = None,
        title: str = "",
        bytes_sent: int = 0,
        bytes_planned: int = 0,
    ) -> None:
        ledger.notice = id
        self._ledger = ledger
        self._show = show or Converters()
        self._title = title
        self.bytes_sent = bytes_sent
        self.bytes_planned = bytes_planned
        self.annotations: AnnotationReport | None = None

    @property
    def created(self) -> list[ItemOutcome]:
        """The items that got a new unit."""
        return self._with("created")

    @property
    def reused(self) -> list[ItemOutcome]:
        """The items whose unit was there already."""
        return self._with("reused")

    @property
    def failed(self) -> list[ItemOutcome]:
        """The items without a unit, or without their task, each with its error."""
        return self._with("failed")

    @property
    def unknown(self) -> list[ItemOutcome]:
        """The items for which a unit or a task may have been created."""
        return self._with("unknown")

    @property
    def planned(self) -> list[ItemOutcome]:
        """The items that a dry run would send."""
        return self._with("planned")

    @overload
    def __getitem__(self, index: int) -> ItemOutcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[ItemOutcome]: ...
    def __getitem__(self, index: int | slice) -> ItemOutcome | list[ItemOutcome]:
        indexes = range(len(self))[index]
        return (
            self._outcome(indexes) if isinstance(indexes, int) else [self._outcome(each) for each in indexes]
        )

    def __len__(self) -> int:
        return len(self._ledger.items)

    def __iter__(self) -> Iterator[ItemOutcome]:
        return map(self._outcome, range(len(self)))

    def __repr__(self) -> str:
        bad = self._count("failed") + self._count("unknown")
        return f"<Report of {len(self)} items, {bad} not done or not known to be>"

    def __str__(self) -> str:
        planned = self._count("planned")
        shown: tuple[Status, ...] = ("planned", "failed") if planned or self._title else _STATUSES[:-1]
        lines = [self._title] if self._title else []
        lines += [f"{status:<8}{self._count(status):>12,}" for status in shown]
        lines.append(
            f"{'size':<8}{self.bytes_planned:>12,} bytes"
            if "planned" in shown
            else f"{'sent':<8}{self.bytes_sent:>12,} bytes"
        )
        lines += self._examples("planned", most=2) + self._examples("failed", "unknown")
        labels = [str(self.annotations)] if self.annotations is not None else []
        return "\n".join([*map(printable, lines), *labels])

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _examples(self, *statuses: Status, most: int = _SHOWN) -> list[str]:
        count = sum(map(self._count, statuses))
        lines = [_line(self._outcome(index)) for index in islice(self._ledger.indexes(*statuses), most)]
        return [*lines, f"… and {count - most:,} more"] if count > most else lines

    def _with(self, status: Status) -> list[ItemOutcome]:
        return [self._outcome(index) for index in self._ledger.indexes(status)]

    def _count(self, status: Status) -> int:
        return self._ledger.statuses.count(_CODES[status])

    def _outcome(self, index: int) -> ItemOutcome:
        ledger, show = self._ledger, self._show
        unit, task = ledger.units[index], ledger.tasks[index]
        return ItemOutcome(
            show.item(ledger.items[index]),
            _STATUSES[ledger.statuses[index] - 1],
            unit=None if unit == _NO_KEY else show.unit(unit),
            task=None if task == _NO_KEY else show.task(task),
            error=ledger.errors.get(index),
        )


def printable(text: str) -> str:
    """Escape what a terminal would obey and what an output cannot encode, as names of files may hold it.

    >>> printable("caf\\udce9 \\x1b[31m.png")
    'caf\\\\udce9 \\\\x1b[31m.png'
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _line(outcome: ItemOutcome) -> str:
    said = f": {outcome.error}" if outcome.error is not None else ""
    return f"{outcome.status}: {shortened(str(mask_body(outcome.item)), most=500)}{said}"


def _without_frames(error: Exception) -> Exception:
    """Let go of the frames that an error and its causes came through: they hold every value of their time."""
    each: BaseException | None = error
    while each is not None and each.__traceback__ is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
