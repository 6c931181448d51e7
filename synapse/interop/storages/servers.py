"""Storages that fsspec drives: FTP, SFTP, folders of this machine, and any other protocol by `options=`."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import fsspec

from synapse.errors import ConfigError, StorageError
from synapse.interop.storages.access import Access
from synapse.interop.storages.engine import BLOCK, ChangedError, Engine, Entry
from synapse.session.config import Timeout
from synapse.values import user_path

_WINDOW: Final = 4 * BLOCK
_FRESH: Final[dict[str, Any]] = {"skip_instance_cache": True}
"""Every storage is opened by itself: fsspec would keep the file systems that it made, passwords and all."""


class FsspecEngine:
    """A storage behind a file system of fsspec, below a folder of it."""

    def __init__(self, fs: Any, root: str) -> None:
        self._fs, self._root = fs, root.rstrip("/")

    def look(self, key: str) -> Entry:
        """Tell of a file or a folder."""
        return self._entry(self._fs.info(self._place(key)), key)

    def list(self, key: str) -> list[Entry]:
        """Give what lies in a folder; links stand for what they lead to, if that is a file."""
        if not self.look(key).is_folder:
            raise NotADirectoryError(key)
        found = self._fs.ls(self._place(key), detail=True)
        names = [str(info["name"]).rstrip("/").rpartition("/")[2] for info in found]
        start = f"{key}/" if key else ""
        return [self._entry(info, f"{start}{name}") for info, name in zip(found, names, strict=True)]

    def first(self) -> str | None:
        """Give the first name."""
        return min((each.key + "/" * each.is_folder for each in self.list("")), default=None)

    def read(self, entry: Entry, *, start: int, stop: int) -> Iterator[bytes]:
        """Read a range block by block, from a file that is opened once."""
        self._check(entry)
        with self._fs.open(self._place(entry.key), "rb") as file:
            file.seek(start)
            while start < stop:
                block = file.read(min(BLOCK, stop - start))
                if not block:
                    raise ChangedError("it was cut")
                start += len(block)
                yield block

    def head(self, key: str, size: int) -> tuple[Entry, bytes]:
        """Tell of a file, and read its first bytes."""
        entry = self.look(key)
        wanted = 0 if entry.is_folder else min(size, entry.size)
        return entry, b"".join(self.read(entry, start=0, stop=wanted)) if wanted else b""

    @contextmanager
    def write(self, key: str) -> Iterator[Any]:
        """Write beside the file, and rename in the end."""
        place = self._place(key)
        if self._fs.isdir(place):
            raise IsADirectoryError(key)
        above = place.rpartition("/")[0]
        if above:
            self._fs.makedirs(above, exist_ok=True)
        part = f"{above}/.{secrets.token_hex(4)}.part"
        try:
            with self._fs.open(part, "wb") as file:
                yield file
            self._rename(part, place)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(part)
            raise

    def copy(self, key: str, to: str) -> bool:
        """Copy nothing: not every server can, and by a command of its shell none has to."""
        return False

    def delete(self, entry: Entry) -> None:
        """Delete a file, or an empty folder."""
        (self._fs.rmdir if entry.is_folder else self._fs.rm_file)(self._place(entry.key))

    def make_folder(self, key: str) -> None:
        """Make a folder, and those above it."""
        self._fs.makedirs(self._place(key), exist_ok=True)

    def _place(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root or "/"

    def _rename(self, part: str, place: str) -> None:
        self._fs.mv(part, place)

    def _check(self, entry: Entry) -> None:
        found = self.look(entry.key)
        if (found.size, found.version) != (entry.size, entry.version):
            raise ChangedError("it is another one now")

    def _entry(self, info: Any, key: str) -> Entry:
        told = next(
            (info[name] for name in ("mtime", "modify", "modified") if info.get(name) is not None), None
        )
        version = " ".join(str(each) for each in (told, info.get("ino")) if each is not None)
        folder = info["type"] == "directory"
        size = 0 if folder else int(info.get("size") or 0)
        return Entry(key, is_folder=folder, size=size, modified=_moment(told), version=version)


class FolderEngine(FsspecEngine):
    """A folder of this machine, which no path and no link leads out of."""

    def _place(self, key: str) -> str:
        place = Path(super()._place(key))
        real, root = place.resolve(), Path(self._root or "/").resolve()
        if not real.is_relative_to(root):
            raise PermissionError("it is a link that leads out of the storage")
        return str(real)

    def list(self, key: str) -> list[Entry]:
        """Give what lies in a folder; links to folders are no folders, so that none leads back up."""
        place = self._place(key)
        if not Path(place).is_dir():
            raise NotADirectoryError(key) if Path(place).exists() else FileNotFoundError(key)
        start, found = f"{key}/" if key else "", []
        with os.scandir(place) as entries:
            for each in entries:
                folder = each.is_dir(follow_symlinks=False)
                with contextlib.suppress(OSError):  # gone since, or a link to nothing
                    info = self._fs.info(each.path) if folder or not each.is_symlink() else self._linked(each)
                    found.append(self._entry(info, f"{start}{each.name}"))
        return found

    def delete(self, entry: Entry) -> None:
        """Delete a file, an empty folder, or a link, and not what it leads to."""
        above, _, name = entry.key.rpartition("/")
        place = Path(self._place(above)) / name
        if place.is_symlink():
            place.unlink()
        else:
            super().delete(entry)

    def _linked(self, entry: os.DirEntry[str]) -> Any:
        return {**self._fs.info(os.path.realpath(entry.path)), "type": "file"}


class FtpEngine(FsspecEngine):
    """A server of FTP, whose one connection does one thing after another."""

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs, root)
        self._lock = threading.RLock()

    def look(self, key: str) -> Entry:
        """Tell of a file or a folder."""
        with self._lock:
            return super().look(key)

    def list(self, key: str) -> list[Entry]:
        """Give what lies in a folder."""
        with self._lock:
            return super().list(key)

    def read(self, entry: Entry, *, start: int, stop: int) -> Iterator[bytes]:
        """Read a range in pieces, between which others have their turn."""
        with self._lock:
            self._check(entry)
        while start < stop:
            with self._lock:
                block = self._fs.cat_file(self._place(entry.key), start, min(start + _WINDOW, stop))
            if not block:
                raise ChangedError("it was cut")
            start += len(block)
            yield block

    @contextmanager
    def write(self, key: str) -> Iterator[Any]:
        """Write beside the file, and rename in the end, alone on the connection."""
        with self._lock, super().write(key) as file:
            yield file

    def delete(self, entry: Entry) -> None:
        """Delete a file, or an empty folder."""
        with self._lock:
            super().delete(entry)


def open_folder(access: Access, timeout: Timeout) -> Engine:
    """Open a folder of this machine."""
    root = user_path(str(access.settings["location"]), error=StorageError).absolute()
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: the folder of this storage is not on this machine")
    return FolderEngine(fsspec.filesystem("file", **_FRESH), str(root))


def open_ftp(access: Access, timeout: Timeout) -> Engine:
    """Log in at a server of FTP, or of FTPS with `tls`."""
    given = access.settings
    names = ("username", "password", "tls")
    known = {name: given[name] for name in names if given.get(name) is not None}
    fs = fsspec.filesystem(
        "ftp",
        host=str(given["host"]),
        port=int(given.get("port") or 21),
        timeout=timeout.connect,
        use_listings_cache=False,
        **known,
        **_FRESH,
    )
    return FtpEngine(fs, str(given.get("root_path") or "/"))


def open_sftp(access: Access, timeout: Timeout) -> Engine:
    """Log in at a server of SFTP whose host key is known, by a password or a private key."""
    import asyncssh

    from sshfs import SSHFileSystem

    given = access.settings
    known: dict[str, Any] = {"client_keys": None, "password": given.get("password")}
    if key := given.get("private_key"):
        try:
            known["client_keys"] = [
                asyncssh.import_private_key(str(key), given.get("private_key_passphrase") or None)
            ]
        except asyncssh.KeyImportError:
            raise ConfigError(
                "the private_key of this storage cannot be read, or needs another passphrase"
            ) from None
    fs = SSHFileSystem(
        str(given["host"]),
        port=int(given.get("port") or 22),
        username=str(given["username"]),
        known_hosts=_known_hosts(given.get("known_hosts")),
        agent_path=None,
        config=None,
        connect_timeout=timeout.connect,
        login_timeout=timeout.read,
        **known,
        **_FRESH,
    )
    return FsspecEngine(fs, str(given.get("root_path") or "/"))


def open_protocol(access: Access, timeout: Timeout) -> Engine:
    """Open any file system that fsspec knows, by its own arguments."""
    given = {name: str(each) if isinstance(each, str) else each for name, each in access.settings.items()}
    protocol, root = given.pop("protocol"), given.pop("root_path", "")
    return FsspecEngine(fsspec.filesystem(protocol, **given, **_FRESH), str(root))


def _known_hosts(given: object) -> Any:
    """Give what asyncssh holds host keys against: lines, the path of a file, or by default the user's own file."""
    if given is None:
        return ()
    text = str(given)
    return text.encode() if " " in text.strip() else str(user_path(text))


def _moment(told: object) -> datetime | None:
    if isinstance(told, datetime):
        return told
    if isinstance(told, int | float):
        return datetime.fromtimestamp(told, UTC)
    with contextlib.suppress(ValueError):
        return datetime.strptime(str(told)[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)  # of FTP
    return None
