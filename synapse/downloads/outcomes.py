"""What became of the files of a download."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, overload

import attrs

from synapse.showing import bounded

FileStatus: TypeAlias = Literal["downloaded", "present", "failed"]

_STATUSES: Final[tuple[FileStatus, ...]] = ("downloaded", "present", "failed")
_SHOWN: Final = 5


@bounded
@attrs.frozen(repr=False)
class FileOutcome:
    """What became of one file of the row with this `key`.

    `specification` names the file if a row has several. `downloaded` and `present` outcomes have a `path`; `present`
    means that the file existed already, and nothing was fetched. `failed` has the `error`. `bytes` counts the bytes
    fetched.
    """

    key: Any
    specification: str
    status: FileStatus
    path: Path | None = None
    bytes: int = 0
    error: Exception | None = None


class Downloads(Sequence[FileOutcome]):
    """The outcomes of a download in the order of its rows, at about a hundred bytes each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: list[Any] = []
        self._specifications: list[str] = []
        self._statuses = bytearray()
        self._sizes = array("q")
        self._paths = bytearray()
        self._ends = array("q")
        self._errors: dict[int, Exception] = {}

    def record(
        self,
        key: Any,
        specification: str,
        *,
        path: str = "",
        status: FileStatus,
        size: int = 0,
        error: Exception | None = None,
    ) -> None:
        """Record the outcome of one file; *path* is relative to the folder."""
        if error is not None:
            # Its frames would hold what they worked on, a million times over.
            self._errors[len(self)] = error.with_traceback(None)
        self._keys.append(key)
        self._specifications.append(specification)
        self._statuses.append(_STATUSES.index(status))
        self._sizes.append(size)
        self._paths += path.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._paths))

    @property
    def downloaded(self) -> list[FileOutcome]:
        """The files that were fetched."""
        return self._with("downloaded")

    @property
    def present(self) -> list[FileOutcome]:
        """The files that were there already."""
        return self._with("present")

    @property
    def failed(self) -> list[FileOutcome]:
        """The files that are not there, each with its error."""
        return self._with("failed")

    @property
    def bytes_received(self) -> int:
        """The size of all that was fetched."""
        return sum(self._sizes)

    def _with(self, status: FileStatus) -> list[FileOutcome]:
        code = _STATUSES.index(status)
        return [self._outcome(index) for index, each in enumerate(self._statuses) if each == code]

    def _count(self, status: FileStatus) -> int:
        return self._statuses.count(_STATUSES.index(status))

    def _outcome(self, index: int) -> FileOutcome:
        start = self._ends[index - 1] if index else 0
        path = self._paths[start : self._ends[index]].decode("utf-8", "surrogatepass")
        return FileOutcome(
            self._keys[index],
            self._specifications[index],
            _STATUSES[self._statuses[index]],
            path=self.folder / path if path else None,
            bytes=self._sizes[index],
            error=self._errors.get(index),
        )

    @overload
    def __getitem__(self, index: int) -> FileOutcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[FileOutcome]: ...
    def __getitem__(self, index: int | slice) -> FileOutcome | list[FileOutcome]:
        indexes = range(len(self))[index]
        return (
            self._outcome(indexes) if isinstance(indexes, int) else [self._outcome(each) for each in indexes]
        )

    def __len__(self) -> int:
        return len(self._statuses)

    def __iter__(self) -> Iterator[FileOutcome]:
        return map(self._outcome, range(len(self)))

    def __repr__(self) -> str:
        return f"<Downloads of {len(self)} files, {self._count('failed')} failed>"

    def __str__(self) -> str:
        lines = [f"{status:<10}{self._count(status):>12,}" for status in _STATUSES]
        lines.append(f"{'received':<10}{self.bytes_received:>12,} bytes")
        bad = list(self._errors)
        lines += [_line(self._outcome(index)) for index in bad[:_SHOWN]]
        return "\n".join([*lines, f"… and {len(bad) - _SHOWN:,} more"] if len(bad) > _SHOWN else lines)


def _line(outcome: FileOutcome) -> str:
    named = f" {outcome.specification}" if outcome.specification else ""
    return f"failed: {outcome.key}{named}: {outcome.error}"
