"""Upload many items into a collection: files side by side, their units in batches."""

from __future__ import annotations

import contextlib
import contextvars
import os
import threading

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.errors import BulkError, TransferError, WriteUnconfirmedError, did_you_mean
from synapse.mapping.codecs import Misfit, check_json
from synapse.session import Outcome as Result
from synapse.session import Run, Session, Untried, create_each
from synapse.session.batches import is_sifted
from synapse.transfer.chunked import CHUNK
from synapse.transfer.progress import ProgressLike, tracked, watched
from synapse.transfer.report import Outcome, Report, Status
from synapse.transfer.source import Source
from synapse.transfer.specifications import by_specification
from synapse.transfer.upload import Options, send_file, size_of

Body: TypeAlias = dict[str, Any]
Creator: TypeAlias = Callable[[list[Body]], Any]
OnError: TypeAlias = Literal["collect", "raise"]

_KEYS: Final = ("files", "meta", "groups")
_AHEAD: Final = 2  # batches that may wait for their units while the next files travel


def upload_items(
    session: Session,
    items: Iterable[Any],
    *,
    collection: int,
    spec_names: Sequence[str],
    create_units: Creator,
    required: Sequence[str] = (),
    known_up_to: int | None = None,
    workers: int | None = None,
    batch_size: int = 200,
    progress: ProgressLike = None,
    on_error: OnError = "collect",
    chunked: bool | None = None,
    chunk_size: int = CHUNK,
) -> Report:
    """Upload the files of every item, create their units in batches, and report on each item in the order given.

    An item is `{"files": {specification: path}, "meta": {…}, "groups": […]}`, or a bare path where one file is asked
    for. *create_units* creates a list of units by one request and returns a list of their rows in the same order.
    Items are taken as they are needed, never all at once. With `on_error="raise"`, the first item that fails ends the
    run with a `BulkError`: all items before it are done, no batch after its own is created, and the items that are
    left are its `untried`, whether their files were sent or not. Whatever *on_error* says, a `BulkError` ends a run
    that cannot go on: the token is not taken, several requests in a row brought no answer, or the iterable itself
    raised. Files that were sent before get their units even then, as long as that can be had.

    The backend answers a unit that it has already in place of a new one. Its keys only grow, so a unit counts as
    reused if its key is not above *known_up_to*, the collection's highest key before the run, or came up twice in it.
    """
    _check_settings(items, batch_size=batch_size, on_error=on_error)
    options = Options(chunked=chunked, chunk_size=chunk_size)
    total = sum(map(_size_of_item, items)) if watched(progress) and isinstance(items, Sequence) else None
    run: Run[Any] = Run(items)
    taken: list[Any] = []
    with tracked(progress, total=total, label="uploading") as advanced:
        sender = _Sender(session, collection, tuple(spec_names), tuple(required), options, advanced)
        units = _Units(create_units, run, known_up_to)
        sent = session.map(run.attempt(sender.send), _noted(run, taken), workers=workers)
        with contextlib.closing(sent):
            outcomes = _all(sent, units, batch_size=batch_size, raising=on_error == "raise")
    tried = [outcome for outcome in outcomes if not isinstance(outcome.error, Untried)]
    left = [outcome.item for outcome in outcomes if isinstance(outcome.error, Untried)]
    left += taken[len(outcomes) :] + run.rest
    if run.stopped is not None or run.broken is not None or on_error == "raise":
        _raise_for(tried, run, untried=left)
    return Report(tried, bytes_sent=sender.bytes_sent)


def _noted(items: Iterable[Any], taken: list[Any]) -> Iterator[Any]:
    for item in items:
        taken.append(item)
        yield item


@attrs.define
class _Sender:
    """Turns an item into the body of its unit, by sending its files."""

    session: Session
    collection: int
    names: tuple[str, ...]
    required: tuple[str, ...]
    options: Options
    advanced: Callable[[int], object]
    bytes_sent: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def send(self, item: Any) -> Body:
        """Check the whole item, then send its files."""
        body = self._described(item)
        named = by_specification(body.pop("files", item), names=self.names, required=self.required)
        sources = {name: Source.of(path) for name, path in named.items()}
        files: dict[str, dict[str, str]] = {}
        for name, source in sources.items():
            row = send_file(self.session, source, options=self.options, advanced=self._count)
            files[name] = {"checksum": _checksum(row, source), "path": source.shown}
        return {"data_collection": self.collection, "files": files, **body}

    def _count(self, count: int) -> None:
        with self._lock:
            self.bytes_sent += count
        self.advanced(count)

    def _described(self, item: Any) -> Body:
        if isinstance(item, str | os.PathLike):
            return {"meta": {}}
        if not isinstance(item, Mapping):
            raise TransferError(
                f"an item is a path or {{'files': {{…}}, 'meta': {{…}}}}, not {type(item).__name__}"
            )
        for key in item:
            if key not in _KEYS:
                raise TransferError(
                    f"an item has no {key!r}{did_you_mean(str(key), _KEYS)}, only {', '.join(_KEYS)}"
                )
        meta, groups = item.get("meta"), item.get("groups")
        if meta is not None and not isinstance(meta, Mapping):
            raise TransferError(f"an item's meta is a JSON object, not {type(meta).__name__}")
        try:
            check_json(dict(meta or {}))
        except Misfit as misfit:
            # One such meta would keep its whole batch from being sent.
            raise TransferError(f"an item's meta: {misfit}") from None
        if groups is not None and not (
            isinstance(groups, list | tuple) and all(isinstance(g, str) for g in groups)
        ):
            raise TransferError(f"an item's groups are a list of names, not {groups!r}")
        named = {"groups": list(groups)} if groups else {}
        return {"files": item.get("files"), "meta": dict(meta or {}), **named}


@attrs.define
class _Units:
    """Creates units, and finds out which rows of a refused batch are to blame."""

    create: Creator
    run: Run[Any]
    known_up_to: int | None
    _seen: set[Any] = attrs.field(factory=set, init=False)
    _ended: Exception | None = attrs.field(default=None, init=False)

    def outcomes(self, batch: Sequence[Result[Any, Body]]) -> list[Outcome]:
        """Create the units of the items whose files have arrived, and tell what became of each item."""
        made = iter(self._made([result.result for result in batch if result.result is not None]))
        return [
            Outcome(result.item, "failed", error=result.error)
            if result.result is None
            else attrs.evolve(next(made), item=result.item)
            for result in batch
        ]

    def _made(self, bodies: list[Body]) -> list[Outcome]:
        return [self._outcome(each) for each in create_each(self._create, bodies)]

    def _create(self, bodies: list[Body]) -> Any:
        """Create units even once the run is stopped, since their files have arrived, until that fails as well."""
        if self._ended is not None:
            raise self._ended
        try:
            with contextlib.suppress(Untried):
                return self.run.attempt(self.create)(bodies)
            return self.create(bodies)
        except Exception as error:
            if self.run.stopped is not None and not is_sifted(error):
                self._ended = error
            raise

    def _outcome(self, made: Result[Body, Any]) -> Outcome:
        if made.error is None:
            return Outcome(None, self._status(made.result), unit=made.result)
        status: Status = "unknown" if isinstance(made.error, WriteUnconfirmedError) else "failed"
        return Outcome(None, status, error=made.error)

    def _status(self, row: Any) -> Status:
        key = row.get("id") if isinstance(row, Mapping) else getattr(row, "id", None)
        old = isinstance(key, int) and self.known_up_to is not None and key <= self.known_up_to
        reused = old or key in self._seen
        self._seen.add(key)
        return "reused" if reused else "created"


def _all(
    sent: Iterable[Result[Any, Body]], units: _Units, *, batch_size: int, raising: bool
) -> list[Outcome]:
    """Collect the outcomes of all items, or of those up to the first failure and its batch."""
    outcomes: list[Outcome] = []
    batches = _batches(sent, size=batch_size, whole=not raising)
    for made in _created(batches, units, ahead=0 if raising else _AHEAD):
        outcomes += made
        if raising and any(outcome.error is not None for outcome in made):
            break
    return outcomes


def _created(
    batches: Iterable[list[Result[Any, Body]]], units: _Units, *, ahead: int
) -> Iterator[list[Outcome]]:
    """Create the units of one batch at a time, while the files of up to *ahead* more travel."""
    with ThreadPoolExecutor(1, thread_name_prefix="synapse-units") as pool:
        waiting: deque[Future[list[Outcome]]] = deque()
        for batch in batches:
            waiting.append(pool.submit(contextvars.copy_context().run, units.outcomes, batch))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(
    results: Iterable[Result[Any, Body]], *, size: int, whole: bool
) -> Iterator[list[Result[Any, Body]]]:
    """Yield results in batches; unless the *whole* is wanted, the first failure is the last result."""
    batch: list[Result[Any, Body]] = []
    for result in results:
        batch.append(result)
        if result.error is not None and not whole:
            break
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _raise_for(outcomes: Sequence[Outcome], run: Run[Any], *, untried: list[Any]) -> None:
    failed = [(outcome.item, outcome.error) for outcome in outcomes if outcome.error is not None]
    reason = run.stopped or run.broken or (failed[0][1] if failed else None)
    if reason is None:
        return
    if run.broken is not None and run.stopped is None:
        words = f"the items broke off with {type(reason).__name__}: {reason}; {len(failed)} of {len(outcomes)} failed"
    else:
        left = f" and {len(untried)} were not tried" if untried else ""
        words = f"{len(failed)} of {len(outcomes)} items failed{left}, the first: {failed[0][1] if failed else reason}"
    raise BulkError(
        words,
        succeeded=[outcome.unit for outcome in outcomes if outcome.error is None],
        failed=failed,
        untried=untried,
    ) from reason


def _check_settings(items: object, *, batch_size: object, on_error: object) -> None:
    if isinstance(items, str | bytes | os.PathLike | Mapping) or not isinstance(items, Iterable):
        raise TransferError(
            "upload takes an iterable of items, such as sorted(Path('photos').glob('*.png')), "
            f"not one {type(items).__name__}"
        )
    if type(batch_size) is not int or batch_size < 1:
        raise TransferError(f"batch_size must be a whole number, 1 or more, not {batch_size!r}")
    if on_error not in ("collect", "raise"):
        raise TransferError(f"on_error must be 'collect' or 'raise', not {on_error!r}")


def _checksum(row: Mapping[str, Any], source: Source) -> str:
    checksum = row.get("checksum")
    if not isinstance(checksum, str) or not checksum:
        raise TransferError(f"the backend gave no checksum for {str(source.path)!r}: no unit can name it")
    return checksum


def _size_of_item(item: Any) -> int:
    files = item.get("files") if isinstance(item, Mapping) else item
    return sum(map(size_of, files.values())) if isinstance(files, Mapping) else size_of(files)
