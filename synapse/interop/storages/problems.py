"""What goes wrong with a storage, told in one line and without a secret."""

from __future__ import annotations

import errno
import re

from collections.abc import Iterator
from typing import Final

from synapse.errors import StorageError, StorageNotFoundError
from synapse.interop.storages.engine import ChangedError
from synapse.masking import Masker

_LONGEST: Final = 200
_SAID: Final = re.compile(r"<(Code|Message)>\s*([^<]*?)\s*</\1>")
_STATUS: Final = re.compile(r"status code: (\d{3}[^:<{\n]*)")
_KEY: Final = re.compile(r"path segment \"((?:[^\"\\]|\\.)*)\"|Path \"([^\"]*)\" contained empty")
# What says that a request was not allowed, among which are credentials that have expired.
_DENIALS: Final = frozenset(
    {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired", "AuthenticationFailed"}
)
_DENIED: Final = frozenset(
    {"PermissionDenied", "PermissionDeniedError", "UnauthenticatedError", "SFTPPermissionDenied"}
)
_LOST: Final = frozenset(
    {"ConnectionLost", "FSTimeoutError", "SFTPConnectionLost", "SFTPNoConnection", "error_temp"}
)

_PANIC: Final = frozenset({"PanicException"})
_LOCAL: Final = frozenset(
    {
        *(errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG),
        getattr(errno, "EDQUOT", errno.ENOSPC),
    }
)
"""What a disk that is there refuses."""


def told(error: BaseException) -> BaseException:
    """Give back an error to tell of; what ends the program is raised again.

    obstore panics where a setting is none, such as a key with the end of its line: that is an error like any other.
    """
    if isinstance(error, Exception) or _is(error, _PANIC):
        return error
    raise error


def is_denied(error: BaseException) -> bool:
    """Whether other credentials could help."""
    said, status = dict(_SAID.findall(str(error))), _STATUS.search(str(error))
    # The answer to a HEAD has no body: S3 tells by a bare 400 of a token that has expired.
    bare = status is not None and not said and status[1][:3] in ("400", "401", "403")
    known = _is(error, _DENIED) or isinstance(error, PermissionError) or _login(error)
    return known or bare or said.get("Code") in _DENIALS


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, as servers close those that were idle."""
    return _is(error, _LOST) or isinstance(error, EOFError | ConnectionError | TimeoutError)


def explained(error: BaseException, *, label: str, key: str, masker: Masker) -> StorageError:
    """Say what happened, as an error of ours that knows nothing of the one that was raised."""
    where = f"{label}: {key!r}" if key else label
    if isinstance(error, ChangedError):
        return StorageError(f"{where} changed while it was read ({error}): read it again")
    if isinstance(error, FileNotFoundError) or _is(error, {"NotFoundError", "SFTPNoSuchFile"}):
        missing = f"there is nothing called {key!r}" if key else "it is not there (any more)"
        return StorageNotFoundError(f"{label}: {missing}")
    if isinstance(error, NotADirectoryError):
        return StorageError(f"{where} is one file, not a folder: give it in a list, or use collection.add()")
    if isinstance(error, IsADirectoryError):
        return StorageError(f"{where} is a folder: give the path of one file")
    said = masker.words(masker.text(_words(error)))[:_LONGEST]
    return StorageError(f"{where} {_beginning(error)}{f' ({said})' if said else ''}{_advice(error)}")


def _beginning(error: BaseException) -> str:
    if _is(error, {"HostKeyNotVerifiable"}):
        return "shows a host key that is not known"
    if _is(error, _PANIC):
        return "has a setting that cannot be used"
    if _is(error, {"InvalidPathError"}) or _KEY.search(str(error)):
        return "holds a key that no path can name"
    if is_denied(error):
        return "refuses what was asked of it"
    if isinstance(error, OSError) and error.errno in _LOCAL:
        return "cannot be written"
    if is_lost(error) or isinstance(error, OSError) or "HTTP error" in str(error):
        return "cannot be reached"
    return "failed"


def _advice(error: BaseException) -> str:
    if _is(error, {"HostKeyNotVerifiable"}):
        return (
            ". Nothing was sent: compare it with what its owner says, and add it to ~/.ssh/known_hosts, or give "
            "filesystem(options={'known_hosts': ...})"
        )
    return ""


def _words(error: BaseException) -> str:
    """Find the few words that say why: those of the storage's own answer, else the beginning of the text."""
    text = str(error) or type(error).__name__
    said = dict(_SAID.findall(text))
    if said:
        return f"{said.get('Code', '')} {said.get('Message', '')}".strip()
    if found := _KEY.search(text):
        return repr(found[1] or found[2])
    if found := _STATUS.search(text):
        return found[1].strip()
    first = text.partition("\n")[0]
    return first.rpartition("HTTP error: ")[2] if "HTTP error: " in first else first


def _login(error: BaseException) -> bool:
    return _is(error, {"error_perm"}) and str(error).startswith("530")


def _is(error: BaseException, names: Iterator[str] | frozenset[str] | set[str]) -> bool:
    # By their names: none of the libraries is imported where it is not in use.
    return not {each.__name__ for each in type(error).__mro__}.isdisjoint(names)
