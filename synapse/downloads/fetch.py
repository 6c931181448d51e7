"""Read files from the web, going on where they broke off as long as it is surely the same file."""

from __future__ import annotations

import hashlib
import re

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import attrs

from synapse.errors import ClientError, TransferError, TransportError
from synapse.session import Session
from synapse.transfer.local_file import BLOCK

_RANGE: Final = re.compile(r"bytes\s+(\d{1,19})-\d{1,19}/(\d{1,19}|\*)\s*", re.ASCII)
_CHANGED: Final = "the file changed while it was fetched: fetch it again"
_WHOLE: Final = "open it without verify=False, which fetches it whole"
_SETTLED_AFTER: Final = 60.0  # seconds after which a file's second of change tells it from any later one

_AZURE: Final = "se sp spr sr srt ss st sv sip skoid sktid skt ske sks skv saoid suoid scid sdd ses"
# A signature, and what comes with it only: without one, `st=2` may well be the second of two files.
_SIGNED: Final[dict[str, tuple[str, ...]]] = {
    "x-amz-signature": ("x-amz-",),
    "x-goog-signature": ("x-goog-",),
    "signature": ("awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "key-pair-id", "policy", "expires"),
    "sig": tuple(_AZURE.split()),
}


@attrs.frozen
class Version:
    """What tells one content of an address from another, as far as the server says.

    A `weak` tag binds no range, but another one is another content.
    """

    etag: str = ""
    modified: str = ""
    size: int | None = None
    weak: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], *, size: int | None) -> Version:
        """Read the headers of an answer; only what can stand in `If-Range` counts."""
        # Packed bytes have other offsets than the file, and are packed anew each time.
        if not _is_plain(headers):
            return cls()
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        sure = _seconds_between(modified, headers.get("Date", "")) >= _SETTLED_AFTER
        # A weak tag names what is equivalent, not what is equal byte by byte.
        strong = etag.startswith('"')
        return cls(etag if strong else "", modified if sure else "", size, "" if strong else etag)

    @property
    def validator(self) -> str:
        """What a later request can be bound to, empty if there is nothing."""
        return self.etag or self.modified

    def to_dict(self) -> dict[str, Any]:
        """Give what is known, as it is written down."""
        return attrs.asdict(self, filter=lambda field, value: bool(value) or field.name != "weak")

    def agrees_with(self, other: Version) -> bool:
        """Whether nothing that both tell differs."""
        pairs = zip(attrs.astuple(self), attrs.astuple(other), strict=True)
        return all(one == two or not one or not two for one, two in pairs)

    def is_same_as(self, other: Version) -> bool:
        """Whether both name the same content; a time of change may have become sure in between."""
        same = other.etag == self.etag if self.etag else other.modified == self.modified
        return same and self.agrees_with(other)

    def is_repeated(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer names the validator that its request was bound to.

        A part that names none may be of any version: some caches ignore `If-Range`.
        """
        named = headers.get("ETag" if self.etag else "Last-Modified", "")
        return bool(named) and named == self.validator


class Fetch:
    """One file under way: `offset` is the byte that comes next, `version` what the bytes before it are of."""

    def __init__(self, session: Session, url: str, *, restarts: bool, pages: bool = True) -> None:
        self.url = url
        self.offset = 0
        self.version = Version()
        self._session = session
        self._restarts = restarts
        self._pages = pages
        self._furthest = 0
        self._stalls = 0
        self._restarted = 0
        self._steps = self._run()
        self._first: tuple[int, bytes] | None = None
        self.started = False

    @property
    def url_digest(self) -> str:
        """What tells the address from others, without its signature, and without showing it."""
        return hashlib.sha256(without_signature(self.url).encode("utf-8", "surrogatepass")).hexdigest()

    def probe(self) -> Version:
        """Ask for the file and see which version it is; `blocks()` goes on from there."""
        self.started = True
        self._first = next(self._steps, None)
        return self.version

    def close(self) -> None:
        """Break off."""
        self._steps.close()

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield blocks, each with its place, once; after a block, place 0 means that the file begins anew.

        A file that changed under way begins anew where the fetch `restarts`, else it is a `TransferError`, as is one
        that has to begin anew too often.
        """
        self.started = True
        with closing(self._steps):
            if self._first is not None:
                yield self._first
            yield from self._steps

    def _run(self) -> Generator[tuple[int, bytes], None, None]:
        # A file of unknown size ends with its connection; one of known size only when all of it is there.
        while self.offset == 0 or self.offset != self.version.size:
            with ExitStack() as stack:
                answer = self._request(stack)
                try:
                    for block in answer.chunks(BLOCK):
                        yield self.offset, block
                        self.offset += len(block)
                except TransportError as error:
                    broken = error
                else:
                    self._check_end()
                    if self.version.size is None or self.offset == self.version.size:
                        return
                    words = f"the file ended at byte {self.offset} of {self.version.size}"
                    broken = TransportError(words, method="GET")
            if not self._may_continue():
                raise broken
            self._session.pause(self._session.settings.retry.wait(self._stalls))

    def _request(self, stack: ExitStack) -> Any:
        try:
            answer = self._send(stack)
        except ClientError as error:
            if error.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not self.offset:
                raise
            self._restart()
            answer = self._send(stack)
        if self.offset and not self._continues(answer):
            self._restart(answer)
            # A part that does not fit is of no use; a whole file that came instead is taken as it comes.
            if answer.status != HTTPStatus.OK:
                stack.close()
                answer = self._send(stack)
        if self.offset:
            return answer
        self._check(answer)
        self.version = Version.of(answer.headers, size=answer.size)
        return answer

    def _send(self, stack: ExitStack) -> Any:
        # `If-Range` gets the rest of the same version, or the whole file anew: never the rest of another one.
        bound = self.offset and self.version.validator
        headers = (("If-Range", self.version.validator),) if bound else ()
        return stack.enter_context(self._session.download(self.url, start=self.offset, headers=headers))

    def _continues(self, answer: Any) -> bool:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != HTTPStatus.PARTIAL_CONTENT or found is None or int(found[1]) != self.offset:
            return False
        named = Version.of(answer.headers, size=int(found[2]) if found[2] != "*" else None)
        same = self.version.is_repeated(answer.headers) and self.version.agrees_with(named)
        return same and _is_plain(answer.headers)  # packed, its bytes would be glued to others

    def _check_end(self) -> None:
        if self.version.size is not None and self.offset > self.version.size:
            raise TransferError(
                f"the server sent more than the {self.version.size} bytes that it announced: fetch the file again"
            )

    def _check(self, answer: Any) -> None:
        """Refuse an answer that is not the file."""
        if answer.status != HTTPStatus.OK:
            raise TransportError(
                f"a file was asked for, and the answer is {answer.status}: it is not the file",
                method="GET",
                status_code=answer.status,
            )
        # A captive portal or a login page comes with status 200: saved as a picture, nobody would notice for weeks.
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html" and not self._pages:
            raise TransferError(
                "a web page came in place of the file, as from a proxy or a login: look at the address in a browser"
            )

    def _restart(self, answer: Any = None) -> None:
        if not self._restarts:
            raise TransferError(self._refusal(answer))
        # A line that breaks every few MiB, at a server without ETag, would begin a large file anew for ever.
        self._restarted += 1
        if self._restarted > max(self._session.settings.retry.total, 1):
            raise TransferError(
                f"the file was begun anew {self._restarted - 1} times: each time the connection broke, and the server "
                "did not say that the rest is of the same version. Fetch it again, over a better connection"
            )
        self.offset = 0

    def _refusal(self, answer: Any) -> str:
        if answer is None:
            return _CHANGED
        same = self.version.is_repeated(answer.headers)
        if same and answer.status == HTTPStatus.OK:
            return f"the server gives no parts of this file: {_WHOLE}"
        if answer.status == HTTPStatus.PARTIAL_CONTENT and not same:
            named = "ETag" in answer.headers or "Last-Modified" in answer.headers
            if not named:
                return f"the server does not say which version the parts of this file are of: {_WHOLE}"
        return _CHANGED

    def _may_continue(self) -> bool:
        """Whether another request may get further; without a validator only from the first byte on."""
        bound = bool(self.version.validator)
        # Progress is what lies beyond the furthest byte so far, not beyond the last start.
        self._stalls = 0 if bound and self.offset > self._furthest else self._stalls + 1
        self._furthest = max(self._furthest, self.offset)
        if not bound and self._restarts:
            self.offset = 0
        return self._stalls <= self._session.settings.retry.total and (bound or self._restarts)


def without_signature(url: str) -> str:
    """Return an address without user, fragment and signature: the same for the same file, whenever it was signed.

    >>> without_signature("https://b.example/a.png?id=7&X-Amz-Expires=60&X-Amz-Signature=0a")
    'https://b.example/a.png?id=7'
    """
    parts = urlsplit(url)
    pairs = [(_parameter(pair), pair) for pair in parts.query.split("&")]
    names = {name for name, _ in pairs}
    dropped = [(mark, *beside) for mark, beside in _SIGNED.items() if mark in names]
    exact = {name for family in dropped for name in family if not name.endswith("-")}
    starts = tuple(name for family in dropped for name in family if name.endswith("-"))
    query = "&".join(pair for name, pair in pairs if name not in exact and not name.startswith(starts))
    where = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=where, query=query, fragment="").geturl()


def _parameter(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()


def _seconds_between(earlier: str, later: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def _is_plain(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Encoding", "identity").lower() in ("", "identity")
