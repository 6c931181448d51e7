"""A record of the HTTP calls inside a block."""

from __future__ import annotations

import json

from collections.abc import Iterator, Sequence
from typing import Any, Final, overload

import attrs

from synapse.masking import mask_body
from synapse.optional import optional
from synapse.showing import bounded, lines_of, shortened

_READS: Final = frozenset({"GET", "HEAD"})
_WIDTH: Final = 200


@bounded
@attrs.frozen(repr=False)
class Call:
    """One HTTP call; each repeat is a call of its own. It prints as one line, without secrets.

    `sent` and `received` count the bytes of the bodies, `status` is `None` when no answer came, `path` is
    relative to the session's host, and `body` is the JSON that was sent, its secrets hidden. Before it was sent, it
    waited for `waited` ms: for the session's `rate`, its `workers`, or a pause that the backend asked for.
    """

    method: str
    url: str
    status: int | None
    ms: float
    sent: int = 0
    received: int = 0
    body: Any = attrs.field(default=None, converter=mask_body)
    path: str = ""
    error: str | None = None
    waited: float = 0.0

    def __str__(self) -> str:
        _, mark, query = self.url.partition("?")
        outcome = self.error or self.status
        what = f"{self.method} {self.path or self.url}{mark}{query}"
        line = f"{what} {outcome} {self.ms:.1f} ms ↑{self.sent} ↓{self.received}"
        if self.waited >= 1:
            line += f" waited {self.waited:.0f} ms"
        if self.body is None:
            return line
        text = json.dumps(self.body, ensure_ascii=False)
        return f"{line} {text if len(text) <= _WIDTH else text[:_WIDTH] + '…'}"


class Trace(Sequence[Call]):
    """The calls made inside `session.trace()`, in the order they ended, from all threads of the session."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    @property
    def sent(self) -> list[tuple[str, str, Any]]:
        """Every write as `(method, path, JSON body)`, secrets hidden."""
        return [(call.method, call.path, call.body) for call in self if call.method not in _READS]

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def record(self, call: Call) -> None:
        """Add one call."""
        self._calls.append(call)

    def __str__(self) -> str:
        calls = list(self)
        return lines_of(map(str, calls), count=len(calls), what="calls") or "no calls"

    def __repr__(self) -> str:
        return shortened(f"<Trace of {len(self)} calls>\n{self}" if self._calls else "<Trace of 0 calls>")
