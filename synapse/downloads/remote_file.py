"""A file at the backend, or wherever the backend keeps it."""

from __future__ import annotations

import io
import mimetypes
import os

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, cast
from urllib.parse import unquote, urlsplit

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import RemoteFileTwins
from synapse.downloads.fetch import Fetch
from synapse.downloads.file_cache import FileCache, open_cached
from synapse.downloads.file_names import safe_name
from synapse.downloads.opened_files import RangeReader, open_whole
from synapse.downloads.save_file import Content, blocks_with_offsets, save_file, target_exists, target_path
from synapse.errors import MappingError, TransferError, describe
from synapse.mapping.likeness import Likeness
from synapse.masking import Masker
from synapse.optional import optional
from synapse.session import Session, current
from synapse.showing import bounded
from synapse.transfer.checksum import Checksum
from synapse.transfer.data_uris import decode, is_data_uri, media_type
from synapse.transfer.local_file import BLOCK, LocalFile, PathLike
from synapse.transfer.progress import Meter, ProgressLike, tracked

_TEXTS: Final = ("url", "file_name_original", "filename", "name", "file_type", "path_original", "checksum")
_PAGES: Final = (None, "text/html", "application/xhtml+xml")


def _like_paths(sent: str, held: str) -> Likeness | None:
    if sent == held:
        return Likeness.SAME
    one, other = f"/{sent}".casefold(), f"/{held}".casefold()
    return None if one.endswith(other) or other.endswith(one) else Likeness.OTHER


def _shown(url: str) -> str:
    """Return an address without what may be a signature or a whole file."""
    return repr(url.partition(",")[0] + ",…" if is_data_uri(url) else Masker().url(url.partition("?")[0]))


class _Unread:
    """What `from_row()` makes: an object whose slots are empty until one of them is asked for."""

    __slots__ = ("_raw",)

    if not TYPE_CHECKING:  # type checkers would take any name as declared

        def __getattr__(self, name: str) -> Any:
            # Another thread may be here as well: both write the same, and the source goes when all is written.
            if name in _PUT and (raw := _RAW.__get__(self)) is not None:
                for each, value in _facts_in(raw).items():
                    _PUT[each](self, value)
                _RAW.__set__(self, None)
            return object.__getattribute__(self, name)


@bounded
@attrs.frozen(kw_only=True, repr=False)
class RemoteFile(_Unread, RemoteFileTwins):
    """A file that can be read or downloaded; nothing is fetched before that.

    `name` is the original base name, `path` the path it was uploaded under. `size` and `checksum` are set if the
    backend gives them; all content is then checked against them, unless it is opened with `verify=False`.
    """

    url: str = attrs.field(repr=_shown)
    name: str = attrs.Factory(lambda self: _name_in(self.url), takes_self=True)
    file_type: str | None = None
    is_primary: bool = False
    meta: Mapping[str, Any] = attrs.field(factory=dict, hash=False, repr=False)
    path: str | None = attrs.field(default=None, repr=False)
    checksum: str | None = attrs.field(default=None, repr=False)
    size: int | None = None
    _session: Session | None = attrs.field(default=None, alias="session", eq=False, repr=False)

    @classmethod
    def from_wire(cls, raw: object, session: Session | None = None) -> Self:
        """Read a file-info object, or a bare address; without *session*, files come through the current one."""
        if isinstance(raw, str):
            return cls(url=raw, session=session)
        if not isinstance(raw, Mapping):
            raise MappingError(f"a file is an object or an address, not {type(raw).__name__}")
        return cls(**_facts_in(raw), session=session)

    @classmethod
    def from_row(cls, raw: object, session: Session | None = None) -> Self:
        """Read the file info of a row, which nobody else holds, once something of the file is asked for."""
        if cls is not RemoteFile or raw.__class__ is not dict:
            return cls.from_wire(raw, session)
        # Every row has files, and of few of them anything is asked for.
        made = cls.__new__(cls)
        _RAW.__set__(made, raw)
        _PUT["_session"](made, session)
        return made

    def beside(self, told: Callable[[str], object]) -> Self:
        """Add the checksum and size from the row that contains the file; *told* returns a value of the row by name."""
        if not callable(told):
            raise TransferError(f"beside() takes a call that gives a value by its name, not {describe(told)}")
        checksum = told("checksum") if self.checksum is None else self.checksum
        size = _first_size(told("size"), told("file_size")) if self.size is None else self.size
        checksum = checksum if isinstance(checksum, str) else None
        if (checksum, size) == (self.checksum, self.size):
            return self
        return attrs.evolve(self, checksum=checksum, size=size)

    def to_wire(self) -> str | dict[str, str]:
        """Return the JSON to send: the file's checksum and path if the checksum is known, else its address."""
        if self.checksum is None:
            return self.url
        return {"checksum": self.checksum, "path": self.path or self.name}

    def unsent(self) -> str | None:
        """Tell why this file cannot be written into another object, or None."""
        if self.checksum is not None or is_data_uri(self.url):
            return None
        return (
            f"the checksum of the file {self.name!r} is not known, so it cannot be named; collection.add() uploads "
            "files and makes a unit of them. Nothing was sent"
        )

    def like(self, sent: object) -> Likeness | None:
        """Compare with a file that was sent, by checksum and path if both have them."""
        if not isinstance(sent, Mapping):
            return None  # what was sent inside a row is kept at an address of the backend's own
        found: list[Likeness | None] = []
        checksum, path = sent.get("checksum"), sent.get("path")
        # Of another length, it is that of another algorithm.
        if checksum and self.checksum and len(checksum) == len(self.checksum):
            same = checksum.lower() == self.checksum.lower()
            found.append(Likeness.SAME if same else Likeness.OTHER)
        if path and self.path:
            found.append(_like_paths(path, self.path))
        told = [each for each in found if each is not None]
        return Likeness.OTHER if Likeness.OTHER in told else max(told, default=None)

    def with_url(self, url: str) -> Self:
        """Return this file at another address, for storages that this machine reaches by another address."""
        given: object = url
        if not isinstance(given, str) or not given:
            raise TransferError(f"a file's address is text, not {describe(given)}")
        return attrs.evolve(self, url=url)

    @sends
    def open(self, *, cache: FileCache | None = None, verify: bool = True) -> BinaryIO:
        """Open the file for reading, at any place of it. Close it, or use it in a `with` block.

        First the whole file is fetched and checked against its size and checksum: up to 8 MiB in memory, larger files
        in a temporary file that closing removes. With `verify=False`, ranges are fetched as they are read, and **not
        checked**; if the server cannot serve ranges that are certainly of one version, the whole file is fetched.
        """
        if type(verify) is not bool:
            raise TransferError(f"verify must be True or False, not {describe(verify)}")
        kept = self._kept(cache, Meter.silent())
        if kept is not None:
            return kept
        if not verify and self.url and not is_data_uri(self.url):
            # It may not restart: whoever read the first bytes has used them.
            ranged = RangeReader(lambda: self._fetch(restarts=False))
            if ranged.seekable():
                return cast("BinaryIO", io.BufferedReader(ranged))
            ranged.close()
        with closing(
            blocks_with_offsets(self._source(), expected_size=self.size if verify else None)
        ) as blocks:
            return open_whole(blocks, check=self._check_open if verify else lambda _: None)

    @sends
    def read(self, *, cache: FileCache | None = None, most: int | None = None) -> bytes:
        """Return the whole content; a file of more than *most* bytes raises `TransferError`, and fetching stops."""
        if most is not None and (type(most) is not int or most < 0):
            raise TransferError(f"read(most=...) takes a number of bytes, got {describe(most)}")
        self._check_most(self.size or 0, most)
        kept = self._kept(cache, Meter.silent())
        if kept is not None:
            with kept:
                return kept.read()
        blocks: list[bytes] = []
        with closing(blocks_with_offsets(self._source(), expected_size=self.size)) as source:
            for offset, block in source:
                if not offset:  # it begins anew
                    blocks.clear()
                self._check_most(offset + len(block), most)
                blocks.append(block)
        content, checksum = b"".join(blocks), Checksum.of(self.checksum)
        self._check(len(content), checksum.of_bytes(content) if checksum else None)
        return content

    @sends
    def download(
        self,
        to: PathLike,
        *,
        progress: ProgressLike = None,
        overwrite: bool = False,
        cache: FileCache | None = None,
    ) -> Path:
        """Save the file in folder *to*, if that exists or ends in `/`, else as the file *to*; return its path.

        In a folder, the file gets a safe form of its name. Missing folders are created: `"out/"` is a folder, `"out"` a
        file. The file appears once it is complete. An existing file with the same content is left unchanged; any other
        raises `TransferError` unless `overwrite`. If a large download breaks off, the next call continues it, as long
        as the server says that the file is the same.
        """
        target = target_path(to, name=safe_name(self.name))
        if not overwrite and os.path.lexists(target):
            same = self.matches(target)
            if same:
                return target
            if same is False:
                raise target_exists(target)
        with tracked(progress, total=self.size, label=self.name) as meter:
            return self.fetch_to(target, meter=meter, overwrite=overwrite, cache=cache)

    @sends
    def fetch_to(
        self,
        target: Path,
        *,
        meter: Meter,
        overwrite: bool = False,
        cache: FileCache | None = None,
        link: bool = False,
    ) -> Path:
        """Save the file at *target* without comparing an existing one, and report the bytes received to *meter*.

        With *link*, a target that isn't there yet becomes a hard link to the file in the cache, where that is possible.
        """
        kept = self._kept(cache, meter)
        if kept is None:
            return self._save(self._source(), target, meter=meter, overwrite=overwrite)
        with kept:
            if link and _linked(kept, target):
                return target
            # A copy, unless a link is asked for: who edits the download must not edit the cache.
            blocks = iter(lambda: kept.read(BLOCK), b"")
            return self._save(blocks, target, meter=Meter.silent(), overwrite=overwrite)

    def _save(self, content: Content, target: Path, *, meter: Meter, overwrite: bool) -> Path:
        checksum = Checksum.of(self.checksum)
        return save_file(
            content,
            target,
            check=self._check,
            meter=meter,
            checksum=checksum,
            overwrite=overwrite,
            expected_size=self.size,
        )

    def _source(self) -> Content:
        if not self.url:
            raise TransferError(f"the backend gives no address for {self.name!r}")
        if is_data_uri(self.url):
            return iter((decode(self.url),))
        return self._fetch(restarts=True)

    def _fetch(self, *, restarts: bool) -> Fetch:
        # A page that is asked for is a file like others; one in the place of a picture is a proxy's.
        known = self.size is not None or self.checksum is not None
        pages = known or mimetypes.guess_type(self.name)[0] in _PAGES
        return Fetch(self._session or current(), self.url, restarts=restarts, pages=pages)

    def _kept(self, cache: FileCache | None, meter: Meter) -> BinaryIO | None:
        """Open the file in the cache, fetched into it if need be; None without one, or if it cannot be kept."""
        # A data: URI holds its file: there is nothing to save by a copy.
        source = None if cache is None else self._source()
        if cache is None or not isinstance(source, Fetch):
            return None
        return open_cached(
            cache,
            source,
            checksum=Checksum.of(self.checksum),
            size=self.size,
            fill=lambda path, counted: self._save(source, path, meter=counted, overwrite=True),
            meter=meter,
        )

    def matches(self, path: Path) -> bool | None:
        """Whether *path* holds this file's content; None if size and checksum cannot tell."""
        if not path.is_file():
            return False
        source = LocalFile.of(path)
        if self.size is not None and source.size != self.size:
            return False
        checksum = Checksum.of(self.checksum)
        if checksum is None:
            return None
        with source.open() as file:
            return bool(checksum.taken(cast("BinaryIO", file)).hexdigest() == checksum.digest)

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _check_open(self, file: BinaryIO) -> None:
        checksum = Checksum.of(self.checksum)
        digest = checksum.taken(file).hexdigest() if checksum else None
        self._check(file.seek(0, os.SEEK_END), digest)

    def _check_most(self, size: int, most: int | None) -> None:
        if most is not None and size > most:
            raise TransferError(f"{self.name!r} has more than {most:,} bytes; it was not read on")

    def _check(self, size: int, digest: str | None) -> None:
        if self.size is not None and size != self.size:
            raise TransferError(
                f"{self.name!r} arrived damaged: {size} bytes instead of {self.size}. Fetch it again",
                code="file-damaged",
            )
        expected = Checksum.of(self.checksum)
        if expected is not None and digest not in (None, expected.digest):
            raise TransferError(
                f"{self.name!r} arrived damaged: its {expected.kind} is {digest}, not {expected.digest}. "
                "Fetch it again",
                code="file-damaged",
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle travels to other machines, without the session and its tokens.
        state = attrs.asdict(self, recurse=False)
        del state["_session"]
        return _load, (type(self), state)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


_PUT: Final = {each.name: getattr(RemoteFile, each.name).__set__ for each in attrs.fields(RemoteFile)}
_RAW: Final = _Unread.__dict__["_raw"]


def _load(cls: type[RemoteFile], state: dict[str, Any]) -> RemoteFile:
    return cls(**state)


def _facts_in(raw: Mapping[Any, Any]) -> dict[str, Any]:
    """Give the values of the fields that a file-info object tells."""
    get: Callable[[str], Any] = raw.get
    texts = [value if isinstance(value, str) else None for value in map(get, _TEXTS)]
    url, original, filename, name, file_type, path, checksum = texts
    named = original or filename or name or ""
    meta = get("meta")
    meta = meta if isinstance(meta, dict | Mapping) else {}
    return {
        "url": url or "",
        "name": named.replace("\\", "/").rstrip("/").rpartition("/")[2] or _name_in(url or ""),
        "file_type": file_type,
        "is_primary": get("is_primary") is True,
        "meta": meta,
        "path": path,
        "checksum": checksum,
        "size": _first_size(meta.get("file_size"), get("file_size"), get("size")),
    }


def _first_size(*values: object) -> int | None:
    for value in values:
        if type(value) is int and value >= 0:
            return value
    return None


def _name_in(url: str) -> str:
    if is_data_uri(url):
        return f"file{mimetypes.guess_extension(media_type(url)) or ''}"
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2] or "file"
    except ValueError:
        return "file"


def _linked(kept: BinaryIO, target: Path) -> bool:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(kept.name)
    except OSError:  # another disk, or a file system without links
        return False
    return True
