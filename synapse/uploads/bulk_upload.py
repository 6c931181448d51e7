"""Upload many items into a collection: files side by side, their units and tasks in batches."""

from __future__ import annotations

import contextvars
import os

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.errors import BulkError, SynapseError, TransferError, describe
from synapse.session import Run, Session, Untried
from synapse.session.concurrency import FleetingExecutor
from synapse.session.config import whole_number
from synapse.session.process import caller
from synapse.session.throttle import stopping, worker_limit
from synapse.transfer.local_file import CHUNK, RemotePath
from synapse.transfer.progress import Meter, ProgressLike, is_watched, tracked
from synapse.uploads.checksums import BackendFiles, ContentHashes, Map, hash_files
from synapse.uploads.file_types import Spec
from synapse.uploads.folder import Folder
from synapse.uploads.folder_layout import open_folder
from synapse.uploads.folder_patterns import Patterns
from synapse.uploads.items import (
    AnyPath,
    ItemPlan,
    SharedNameCheck,
    check_root,
    copy_item,
    item_with_remembered_paths,
    plan_item,
    size_of_item,
)
from synapse.uploads.pipeline import Work, run_pipeline
from synapse.uploads.report import Converters, OutcomeTable, Report, printable
from synapse.uploads.routes import UploadOptions, presigned_or
from synapse.uploads.sender import Sender, UploadItem
from synapse.uploads.units import Creator, UnitCreator, find_existing_tasks
from synapse.values import is_many

OnError: TypeAlias = Literal["collect", "raise"]
PlanItem: TypeAlias = Callable[[Any], ItemPlan]

_SENDERS_PER_READER: Final = 4


@attrs.frozen
class Target:
    """The collection that items are uploaded to, and the requests for that.

    `create_units` creates a list of units by one request and returns their rows in the same order; `create_tasks` does
    so for the tasks of a list of units. `newest_unit` returns the highest key of the collection's units, `tasks` all
    tasks of the project, each as the key of its unit and the key of the task.
    """

    collection: int
    specs: tuple[Spec, ...]
    create_units: Creator
    create_tasks: Creator | None = None
    newest_unit: Callable[[], int] | None = None
    tasks: Callable[[], Iterable[tuple[int, int]]] | None = None
    show: Converters = Converters()


def upload_items(
    session: Session,
    items: Iterable[Any],
    *,
    target: Target,
    workers: int | None = None,
    batch_size: int = 200,
    progress: ProgressLike = None,
    on_error: OnError = "collect",
    dry_run: bool = False,
    presigned: bool | None = None,
    chunked: bool | None = None,
    chunk_size: int = CHUNK,
    root: AnyPath | None = None,
    check_content: bool = True,
) -> Report:
    """Upload the files of every item, create their units in batches, and report on each item in the order given.

    An item is `{"files": {specification: path}, "meta": {…}, "groups": […]}`, or a path if only one file is needed.
    *items* is consumed as needed, never all at once. Content that the backend already has is not sent, and the same
    content is sent once.

    With `on_error="raise"`, the first item that fails ends the run with a `BulkError`: all items before it are done, no
    unit after it is created, and the remaining items are its `untried`, whether their files were sent or not. If
    creating a task fails, units of the same batch may exist without a task. Whatever *on_error* says, a `BulkError`
    ends a run that cannot go on: the token is refused, several requests in a row got no answer, or the iterable itself
    raised. Even then, units are created for the files already sent, if possible. After an interrupt or a crash, start
    the whole run again: it finds what exists already.
    """
    _check_settings(items, batch_size=batch_size, on_error=on_error, presigned=presigned)
    check_root(root)
    # More than read: most of them wait for the line, or for the backend to store what it got.
    count = _SENDERS_PER_READER * session.workers if workers is None else whole_number("workers", workers)
    # Who forbids the storage is told so where there is nothing else.
    to_storage = presigned_or(None, session) if presigned is None else presigned
    options = UploadOptions(chunked=chunked, chunk_size=chunk_size, presigned=to_storage)
    session.check_open()
    plan_one: PlanItem = partial(plan_item, specs=target.specs, root=root, check_content=check_content)
    table = OutcomeTable()
    if isinstance(items, Folder):
        plan_one, target = items.plan, _shown_as(target, items.item)
    elif root is not None:
        target = _shown_as(target, partial(item_with_remembered_paths, root=root))
    else:
        table = OutcomeTable(SharedNameCheck(caller()).note)
    if dry_run:
        return _planned(items, plan_one, table, show=target.show)
    # Those of a list cannot change before their turn.
    run: Run[Any] = Run(items if isinstance(items, Sequence | Folder) else map(copy_item, items))
    raising = on_error == "raise"
    sender = Sender(
        session, run, options=options, workers=count, raising=raising, collection=target.collection
    )
    total = _total(items) if is_watched(progress) else None
    with tracked(progress, total=total, label="uploading") as meter:
        sender.meter = meter
        if is_watched(progress) and total is None:
            plan_one = partial(_expected, plan_one, meter)
        upload = _BulkUpload(sender, run, table, session=session, target=target)
        return upload.run_all(plan_one, batch_size=batch_size, workers=count)


def _shown_as(target: Target, item: Callable[[Any], Any]) -> Target:
    return attrs.evolve(target, show=attrs.evolve(target.show, item=item))


def _expected(plan_one: PlanItem, meter: Meter, given: Any) -> ItemPlan:
    plan = plan_one(given)
    meter.expect(plan.size)
    return plan


def items_of(
    given: Any,
    *,
    specs: Sequence[Spec],
    root: AnyPath | None,
    layout: Mapping[str, object],
    allow_unpaired: bool,
    check_content: bool,
) -> Any:
    """Open a folder; return other items unchanged, for which *layout* must be empty."""
    if not isinstance(given, str | os.PathLike | RemotePath):
        for name, value in layout.items():
            if value is not None:
                raise TransferError(
                    f"upload({name}=...) is for a folder: choose items yourself, where you list them"
                )
        return given
    check_root(root)
    return open_folder(
        given,
        specs=specs,
        folders=layout["folders"],
        patterns=Patterns.of(layout["include"], layout["exclude"]),
        root=root,
        allow_unpaired=allow_unpaired,
        check_content=check_content,
    )


class _BulkUpload:
    """A run of many items."""

    def __init__(
        self, sender: Sender, run: Run[Any], table: OutcomeTable, *, session: Session, target: Target
    ) -> None:
        self._sender, self._run, self._session, self._target = sender, run, session, target
        self._table = table
        self._files = BackendFiles(session, target.collection)
        self._units = UnitCreator(
            target.create_units, run, target.newest_unit, target.create_tasks, raising=sender.raising
        )

    def run_all(self, plan_one: PlanItem, *, batch_size: int, workers: int) -> Report:
        """Take all items in batches, and tell what became of them."""
        # Apart from the threads that send: the next batch is read while those are busy.
        readers = FleetingExecutor(workers, name="synapse-read")
        before, narrow = stopping.set(self._sender.ended), worker_limit.set(workers)
        try:
            run_pipeline(
                self._batches(batch_size),
                prepare=partial(
                    self._prepared, plan_one=partial(_plan, plan_one), mapped=partial(_map_on, readers)
                ),
                finish=self._finished,
                workers=workers,
                # Two batches ahead of the workers: while one is prepared, another has files left to send.
                window=workers + 2 * max(workers, batch_size),
                ordered=self._sender.raising,
            )
        finally:
            # After Ctrl-C, too: threads that nobody waits for would send a whole file first.
            self._sender.ended.set()
            stopping.reset(before)
            worker_limit.reset(narrow)
            readers.shutdown(wait=False, cancel_futures=True)
        show = self._target.show
        if self._target.tasks is not None:
            find_existing_tasks(self._units, self._table, tasks=self._target.tasks)
        _raise_for(self._run, self._table, show=show, raising=self._sender.raising)
        return Report(self._table, show=show, bytes_sent=self._sender.bytes_sent)

    def _batches(self, size: int) -> Iterator[list[UploadItem]]:
        items = iter(self._run)
        while batch := [UploadItem(self._table.add(given), given) for given in islice(items, size)]:
            yield batch

    def _prepared(
        self, batch: list[UploadItem], *, plan_one: Callable[[UploadItem], None], mapped: Map
    ) -> Sequence[Work]:
        """Look at the files of a batch, and find out which of them the backend lacks."""
        mapped(plan_one, batch)
        files = [(item, name) for item in batch if item.plan is not None for name in item.plan.parts]
        sources = [item.part(name).source for item, name in files]
        hashed = hash_files(self._session, sources, mapped=mapped)
        for (item, name), (_, hashes, error) in zip(files, hashed, strict=True):
            if hashes is not None:
                # Before the backend is asked: of what is sent meanwhile, it may not yet tell.
                item.missing[name] = self._sender.content(hashes)
            item.error = item.error or error
        good = [item for item in batch if item.error is None]
        contents = [content.hashes for item in good for content in item.missing.values()]
        known = self._known(contents, mapped=mapped)
        for item in good:
            item.asked = known is not None
            _mark_known(item, known or {}, self._sender.meter)
        return self._sender.jobs(batch)

    def _known(
        self, contents: Sequence[ContentHashes], *, mapped: Map
    ) -> dict[ContentHashes, str | Exception] | None:
        """Ask what the backend has; where it does not say, all is sent, which costs time and does no harm."""
        ask = self._run.attempt(partial(self._files.known, mapped=mapped))
        try:
            return ask(contents)
        except SynapseError:
            return None

    def _finished(self, batch: list[UploadItem]) -> bool:
        """Make the units of a batch, and write down what became of it; whether the run goes on."""
        if self._sender.raising:
            # What came after the first failure may have arrived, and gets no unit: the caller was promised that.
            first = next((number for number, item in enumerate(batch) if item.error is not None), len(batch))
            batch = batch[: first + 1]
        failed = [item for item in batch if item.error is not None and not isinstance(item.error, Untried)]
        arrived = [item for item in batch if item.error is None and item.plan is not None]
        bodies = [item.plan.body(self._target.collection, item.checksums) for item in arrived if item.plan]
        results = self._units.create_units(bodies, known=[item.known for item in arrived])
        for item, each in zip(arrived, results, strict=True):
            item.error = each.error
            if each.status is not None:
                self._table.record(item.index, each.status, unit=each.unit, task=each.task, error=each.error)
        for item in failed:
            self._table.record(item.index, "failed", error=item.error)
        return not self._sender.raising or all(item.error is None for item in batch)


def _map_on(pool: Executor, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    # Requests that are made there belong to the caller's trace, and end with its run.
    calls = [pool.submit(contextvars.copy_context().run, function, item) for item in items]
    return [call.result() for call in calls]


def _plan(plan_one: PlanItem, item: UploadItem) -> None:
    try:
        item.plan = plan_one(item.given)
    except Exception as error:
        item.error = error


def _mark_known(item: UploadItem, known: Mapping[ContentHashes, str | Exception], meter: Meter) -> None:
    for name, content in list(item.missing.items()):
        checksum = known.get(content.hashes)
        if isinstance(checksum, Exception):
            item.error = checksum
        elif checksum is not None:
            item.mark_present(name, checksum, known=True)
            meter.resume(item.part(name).source.size)


def _planned(
    items: Iterable[Any], plan_one: Callable[[Any], ItemPlan], table: OutcomeTable, *, show: Converters
) -> Report:
    size = 0
    for given in items:
        index = table.add(given)
        try:
            size += plan_one(given).size
        except Exception as error:
            table.record(index, "failed", error=error)
        else:
            table.record(index, "planned")
    title = (
        f"dry run, nothing was sent ({items})" if isinstance(items, Folder) else "dry run, nothing was sent"
    )
    return Report(table, show=show, title=title, bytes_planned=size)


def _raise_for(run: Run[Any], table: OutcomeTable, *, show: Converters, raising: bool) -> None:
    if run.stopped is None and run.broken is None and not (raising and table.errors):
        return
    items, errors = table.items, table.errors
    failed = [(show.item(items[index]), errors[index]) for index in sorted(errors)]
    untried = [show.item(items[index]) for index in table.pending()]
    untried += map(show.item, run.rest)
    reason = run.stopped or run.broken or failed[0][1]
    tried = len(items) + len(run.rest) - len(untried)
    if run.broken is not None and run.stopped is None:
        words = f"the items broke off with {type(reason).__name__}: {reason}; {len(failed)} of {tried} failed"
    else:
        left = f" and {len(untried)} were not tried" if untried else ""
        why = f"the first: {failed[0][1]}" if failed else f"since the run ended: {reason}"
        words = f"{len(failed)} of {tried} items failed{left}, {why}"
    units = (table.units[index] for index in sorted(table.indexes("created", "reused")))
    raise BulkError(
        printable(words), succeeded=[show.unit(key) for key in units], failed=failed, untried=untried
    ) from reason


def _total(items: Iterable[Any]) -> int | None:
    if isinstance(items, Folder):
        return sum(size_of_item(items.item(given)) for given in items if isinstance(given, str))
    return sum(map(size_of_item, items)) if isinstance(items, Sequence) else None


def _check_settings(items: object, *, batch_size: object, on_error: object, presigned: object) -> None:
    if isinstance(items, os.PathLike | RemotePath) or not is_many(items):
        raise TransferError(
            "upload takes a folder or an iterable of items, such as sorted(Path('photos').glob('*.png')), "
            f"not one {type(items).__name__}"
        )
    if type(batch_size) is not int or batch_size < 1:
        raise TransferError(f"batch_size must be a whole number, 1 or more, not {describe(batch_size)}")
    if on_error not in ("collect", "raise"):
        raise TransferError(f"on_error must be 'collect' or 'raise', not {describe(on_error)}")
    if presigned is not None and type(presigned) is not bool:
        raise TransferError(
            f"presigned must be True, False or None (where it is offered), not {describe(presigned)}"
        )
