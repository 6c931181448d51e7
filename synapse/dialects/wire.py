"""What travels: requests and replies as frozen values, without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import attrs

from synapse.errors import QueryError, describe
from synapse.mapping.unset import UNSET
from synapse.masking import Masker, mask_body
from synapse.showing import bounded

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Body(Protocol):
    """A body that is sent as a stream of known length, and can be sent again from its start."""

    content_type: str
    length: int

    def open(self) -> Any:
        """Return a fresh binary reader over the whole body."""


@bounded
@attrs.frozen(repr=False)
class Request:
    """One HTTP request, relative to the session's base URL.

    `path` may also be an absolute link that the backend gave; it is followed on the session's own origin only. A
    request that is sent `once` is not repeated where it may have been acted upon, whatever its method: the caller finds
    out first. One that is `divisible` is not repeated where it took too long: the caller asks for less. The answer to a
    `textual` one may be plain text. An `optional` one only helps to say more: tests need not put down an answer for it.
    The `json` of a `checked` one was checked value by value, and can be written without another look.
    """

    method: str
    path: str = attrs.field(repr=lambda path: repr(Masker().url(path)))
    params: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=lambda pairs: repr(_shown(pairs)))
    json: Any = attrs.field(default=UNSET, repr=lambda json: repr(mask_body(json)))
    body: Body | None = None
    headers: tuple[tuple[str, str], ...] = ()
    read_timeout: float | None = None
    once: bool = False
    divisible: bool = attrs.field(default=False, eq=False)
    harmless: bool = attrs.field(default=False, eq=False)
    textual: bool = attrs.field(default=False, eq=False)
    optional: bool = attrs.field(default=False, eq=False)
    checked: bool = attrs.field(default=False, eq=False)

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return self.method in IDEMPOTENT

    @property
    def target(self) -> str:
        """The path with its query string."""
        return f"{self.path}?{encode(self.params)}" if self.params else self.path

    @property
    def shown(self) -> str:
        """The target without secrets, as `explain()` and `trace()` print it."""
        return Masker().url(self.target)


@bounded
@attrs.frozen(repr=False)
class Reply:
    """One answer whose body was read whole; `data` is the parsed JSON, `None` for an empty body.

    `length` is that of the body as it was read, in bytes, whatever it was packed to on its way. `path` is what was
    asked, where the session serves several API generations.
    """

    status: int
    data: Any = attrs.field(default=None, repr=lambda data: repr(mask_body(data)))
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    length: int | None = None
    path: str = ""


def _shown(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(mask_body({name: value})[name])) for name, value in pairs)


def encode(params: tuple[tuple[str, str], ...]) -> str:
    """Encode query parameters, leaving the commas that the backend's lists are made of readable."""
    try:
        return urlencode(params, safe=",:")
    except UnicodeEncodeError as error:
        raise QueryError(f"text with lone surrogates cannot be sent: {error.object!r:.60}") from None


def segment(value: object) -> str:
    """Encode one path segment, so that no key can leave it.

    >>> segment("code@1.0.0"), segment("../admin")
    ('code@1.0.0', '..%2Fadmin')
    """
    try:
        text = str(value)
        encoded = quote(text, safe="@")
    except ValueError:  # an integer of thousands of digits, or half of a surrogate pair
        raise QueryError(f"{describe(value)} is no key that an address could name") from None
    if text in ("", ".", "..") or value is None:
        # However they are encoded, HTTP libraries resolve them as steps of the path.
        raise QueryError(f"{value!r} is no key that an address could name")
    return encoded
