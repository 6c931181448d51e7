"""Download many files into a folder, side by side, and find again what is there."""

from __future__ import annotations

import contextlib
import os
import unicodedata

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.downloads.file_cache import FileCache, checked_cache
from synapse.downloads.file_names import safe_name, safe_path, with_stem
from synapse.downloads.folder_marker import LAYOUT, claim_folder
from synapse.downloads.outcomes import Downloads, FileStatus
from synapse.downloads.partial_file import remove_stale
from synapse.downloads.remote_file import RemoteFile
from synapse.downloads.save_file import is_disk_full, target_exists
from synapse.errors import BulkError, ClientError, SynapseError, TransferError, describe
from synapse.session import Outcome, Run, Session, Untried
from synapse.transfer.local_file import PathLike
from synapse.transfer.progress import Meter, ProgressLike, tracked
from synapse.values import user_path

OnError: TypeAlias = Literal["collect", "raise"]

_EXPIRED: Final = frozenset({400, 401, 403, 404, 410})


@attrs.frozen(eq=False, repr=False)
class WantedFile:
    """One file of the row with this `key`, or the `error` that prevented finding it.

    All files of a row are saved under the name of one of them, `shared_name`, each with its own extension. `renew`
    reads the row again, in case a signed address has expired by the time it is used.
    """

    key: Any
    specification: str
    file: RemoteFile | None = None
    error: Exception | None = None
    renew: Callable[[], RemoteFile | None] | None = None
    shared_name: str = ""


def download_files(
    session: Session,
    wanted: Iterable[WantedFile],
    *,
    folder: PathLike,
    workers: int | None = None,
    progress: ProgressLike = None,
    overwrite: bool = False,
    on_error: OnError = "collect",
    cache: FileCache | None = None,
    rows: str = "",
    original_paths: bool = False,
    link: bool = False,
) -> Downloads:
    """Download files into `folder/specification/key_stem.extension` and return the outcome of each, in order.

    With *original_paths*, each file keeps its original path, relative to the folder; of two files with the same path,
    only one is saved.

    An existing file of that name counts as present unless its size or MD5 differs; with *overwrite*, only if size and
    MD5 prove that it is the same. *wanted* is consumed as needed, never all at once. With `on_error="raise"`, the first
    failure ends the run with a `BulkError`. So does, whatever *on_error* says, a full disk, a connection that stays
    lost, or, once something was done, an error raised by *wanted* itself. With *rows*, the kind of rows, the folder is
    reserved for such rows of this backend, and a folder of others is refused.
    """
    if on_error not in ("collect", "raise"):
        raise TransferError(f"on_error must be 'collect' or 'raise', not {describe(on_error)}")
    if type(overwrite) is not bool:
        raise TransferError(f"overwrite must be True or False, not {describe(overwrite)}")
    if type(original_paths) is not bool:
        raise TransferError(f"original_paths must be True or False, not {describe(original_paths)}")
    if cache is not None:
        checked_cache(cache)
    root = _root(folder)
    layout = claim_folder(root, session, rows=rows) if rows else LAYOUT
    report = Downloads(root)
    # Places are given before files are fetched, in the order of the rows: so each run gives the same ones.
    run = Run(_TargetPaths(root, layout=layout, original=original_paths).each(wanted))
    with tracked(progress, total=None, label="downloading") as meter:
        saver = _Saver(run, meter, overwrite, cache, link)
        sent = session.map(run.attempt(saver.save), run, workers=workers)
        with contextlib.closing(sent):
            try:
                _collect(sent, report, first=on_error == "raise")
            finally:
                # After Ctrl-C, too, no file is fetched to its end by a thread that nobody waits for.
                meter.stop()
    reason = (
        run.stopped
        or run.broken
        or (report.failed[0].error if on_error == "raise" and report.failed else None)
    )
    if reason is None:
        return report
    if not len(report) and reason is run.broken:
        raise reason
    raise _ended(report, reason) from reason


@attrs.frozen(eq=False, repr=False)
class _PlannedDownload:
    """A file and where it goes: `path` is below the root."""

    wanted: WantedFile
    root: Path
    path: str
    error: Exception | None = None


class _TargetPaths:
    """Gives each file a path of its own, the same one in every run, and none that leads out of the folder."""

    def __init__(self, root: Path, *, layout: int, original: bool) -> None:
        self._root = root
        self._layout = layout
        self._original = original
        self._owners: dict[int, int] = {}
        self._folders: dict[str, Exception | None] = {}
        self._key: object = object()
        self._taken: set[str] = set()

    def each(self, wanted: Iterable[WantedFile]) -> Iterator[_PlannedDownload]:
        """Give each file its place."""
        for each in wanted:
            # Keys are in every name, so only files of one row can meet.
            if each.key != self._key:
                self._key, self._taken = each.key, set()
            if each.file is None:
                yield _PlannedDownload(each, self._root, "", each.error)
                continue
            if self._original and each.file.path:
                yield self._original_path(each, each.file)
                continue
            part = safe_name(each.specification) if each.specification else ""
            own_name = self._layout == 1 or not each.shared_name
            name = safe_name(each.file.name) if own_name else with_stem(each.shared_name, each.file.name)
            path = self._unused_path(part, each.key, name)
            yield _PlannedDownload(each, self._root, path, self._folder_error(part))

    def _unused_path(self, part: str, key: object, name: str) -> str:
        number = 1
        while True:
            mark = f"{key}_" if number == 1 else f"{key}_{number}_"
            path = f"{part}/{safe_name(mark + name)}".lstrip("/")
            # Names that differ in case only are one on many systems.
            same = _folded(path)
            if same not in self._taken:
                self._taken.add(same)
                return path
            number += 1

    def _original_path(self, wanted: WantedFile, file: RemoteFile) -> _PlannedDownload:
        """Give a file the place that its own path tells; another one that has it already is not saved."""
        path = safe_path(file.path or "")
        # Hashes instead of texts: millions of files are remembered until the end of the run.
        own = hash(file.checksum or file.url.partition("?")[0])
        error: Exception | None = None
        if self._owners.setdefault(hash(_folded(path)), own) != own:
            error = TransferError(
                f"another file of this download lies at {path!r}: without original_paths each has a place of its own"
            )
        for part in accumulate(path.split("/")[:-1], "{}/{}".format):
            error = error or self._folder_error(part)
        return _PlannedDownload(wanted, self._root, path, error or self._folder_error(""))

    def _folder_error(self, part: str) -> Exception | None:
        if part not in self._folders:
            self._folders[part] = trouble = _trouble(self._root, part)
            if trouble is None:
                remove_stale(self._root / part)
        return self._folders[part]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


@attrs.frozen(eq=False, repr=False)
class _Saver:
    run: Run[_PlannedDownload]
    meter: Meter
    overwrite: bool
    cache: FileCache | None
    link: bool

    def save(self, job: _PlannedDownload) -> tuple[FileStatus, int]:
        """Save one file, unless it is there."""
        file = job.wanted.file
        if job.error is not None or file is None:
            raise job.error or TransferError("the row has no such file")
        target = job.root / job.path
        if self._is_present(file, target):
            return "present", 0
        if file.size is not None:
            self.meter.expect(file.size)
        try:
            try:
                self._fetch(file, target)
            except ClientError as error:
                # Signed addresses last an hour or so, and a file may wait longer for its turn.
                self._fetch(_renewed(job.wanted, file, error), target)
        except TransferError as error:
            if os.path.lexists(target) and file.matches(target):  # the same file of another row came first
                return "present", 0
            # The next file would only find the same full disk.
            if is_disk_full(error) and self.run.stopped is None:
                self.run.stopped = error
            raise
        size = target.stat().st_size
        if file.size is None:
            self.meter.expect(size)
        return "downloaded", size

    def _fetch(self, file: RemoteFile, target: Path) -> None:
        how = {"overwrite": self.overwrite, "link": self.link}
        file.fetch_to(target, meter=self.meter, cache=self.cache, **how)

    def _is_present(self, file: RemoteFile, target: Path) -> bool:
        if not os.path.lexists(target):
            return False
        same = file.matches(target)
        if same is False and not self.overwrite:
            raise target_exists(target)
        return same or (same is None and not self.overwrite)


def _renewed(wanted: WantedFile, file: RemoteFile, error: ClientError) -> RemoteFile:
    """Give the file at a fresh address, if the one that was refused was signed; else raise *error*."""
    if wanted.renew is None or error.status_code not in _EXPIRED or "?" not in file.url:
        raise error
    try:
        fresh = wanted.renew()
    except SynapseError:
        raise error from None
    if fresh is None or fresh.url == file.url:
        raise error
    return fresh


def _collect(
    sent: Iterable[Outcome[_PlannedDownload, tuple[FileStatus, int]]], report: Downloads, *, first: bool
) -> None:
    for job, result, error in sent:
        if isinstance(error, Untried):
            continue
        key, specification = job.wanted.key, job.wanted.specification
        if result is None:
            report.record(key, specification, status="failed", error=error)
            if first:
                return
        else:
            status, size = result
            report.record(key, specification, path=job.path, status=status, size=size)


def _ended(report: Downloads, reason: Exception) -> BulkError:
    failed = report.failed
    words = f"the download ended: {reason}. {len(report) - len(failed)} files are there, {len(failed)} failed"
    done = [outcome for outcome in report if outcome.error is None]
    return BulkError(
        f"{words}; run it again to go on, what is there is not fetched twice",
        succeeded=done,
        failed=[(outcome, outcome.error) for outcome in failed if outcome.error is not None],
    )


def _root(folder: object) -> Path:
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise TransferError(f"downloads go into a folder, given by its path, not to {describe(folder)}")
    root = user_path(os.fsdecode(folder))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TransferError(f"{str(root)!r} cannot be a folder for downloads ({reason})") from error
    return root


def _trouble(root: Path, part: str) -> Exception | None:
    """Tell why files cannot go into this sub-folder, or None."""
    folder = root / part
    try:
        folder.mkdir(exist_ok=True)
        # Someone may have put a link there: a name of a specification is the backend's to choose.
        if folder.resolve().is_relative_to(root.resolve()):
            return None
    except OSError as error:
        return TransferError(f"{str(folder)!r} cannot be made ({error.strerror})")
    return TransferError(
        f"{str(folder)!r} is a link that leads out of {str(root)!r}: nothing is written there"
    )
