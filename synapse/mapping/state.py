"""What the SDK remembers about one object beside its fields; never part of its value."""

from __future__ import annotations

from typing import Any

import attrs

from synapse.mapping.json import Sealed, seal, unseal
from synapse.mapping.unset import UNSET


@attrs.define(eq=False, weakref_slot=False)
class State:
    """The life of one object.

    `origin` holds the wire values of lazy fields as they were loaded, the base that edits are compared with, sealed
    where the value itself was handed out; `before`
    the values that plain fields had before they were assigned; `rows` the related rows that came expanded and are not
    opened yet; `related` the related objects; `peers` the rows that came in the same page. `backend` is where the
    object came from, kept by a pickle that leaves the session behind.
    What came beside the declared fields (`rows`, `extra`) may be anything, tokens too: it is neither shown nor pickled.
    """

    session: Any = None
    saved: bool = False
    mode: Any = None
    peers: Any = None
    origin: dict[str, Any] = attrs.field(factory=dict, repr=False)
    _before: dict[str, Any] | None = attrs.field(default=None, repr=False, alias="before")
    backend: Any = None
    deleted: bool = False
    extra: dict[str, Any] | None = attrs.field(default=None, repr=False)
    rows: dict[str, Any] | None = attrs.field(default=None, repr=False)
    related: dict[str, Any] | None = None

    @property
    def before(self) -> dict[str, Any]:
        """Made when it is first asked for: most rows are only read."""
        if self._before is None:
            self._before = {}
        return self._before

    @before.setter
    def before(self, values: dict[str, Any]) -> None:
        self._before = values

    def loaded(self, name: str) -> Any:
        """Give the wire value of a lazy field as it was loaded; `UNSET` where it was not."""
        return unseal(self.origin.get(name, UNSET))

    def hand_out(self, name: str) -> Any:
        """Give the value that was loaded for the user to edit, keeping what it was."""
        value = self.origin[name]
        if value is None or value.__class__ is Sealed:
            return unseal(value)
        sealed = seal(value)
        # Of two threads, the second may come when the first one's user has begun to edit.
        if self.origin.get(name) is value:
            self.origin[name] = sealed
        return value

    def __getstate__(self) -> dict[str, Any]:
        kept = ("saved", "deleted", "before", "mode")
        # The session stays behind, but not where the key means this object.
        backend = getattr(self.session, "backend", self.backend)
        origin = {name: unseal(value) for name, value in self.origin.items()}
        return {"backend": backend, "origin": origin, **{name: getattr(self, name) for name in kept}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for attribute in attrs.fields(State):
            setattr(self, attribute.name, None)
        for name, value in state.items():
            # Earlier versions kept the address alone.
            setattr(self, "backend" if name == "host" else name, value)
