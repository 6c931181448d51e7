"""What an object knows beside its fields; it is no part of its value."""

from __future__ import annotations

from typing import Any

import attrs

from synapse.mapping.json import JsonText, Sealed, is_as_sealed, read, seal, unseal
from synapse.mapping.unset import UNSET


@attrs.define(eq=False, weakref_slot=False)
class State:
    """The state of one object.

    `origin` holds the JSON values of lazy fields as they were loaded, which edits are compared with; they are
    sealed once the value itself was handed out, if they did not come as texts that are parsed when they are read.
    `parsed` are values of such texts that were parsed ahead, each with its text. `checked` holds JSON that was
    assigned, sealed as it was when it was checked. `before` holds the values of other fields before they were
    assigned. `rows` holds expanded related rows that are not opened yet, `related` the related objects, `peers` the
    other rows of the page. `api` names the API generation that the query of the row asked to go by, if it did: what the
    row lacks is read so as well. `backend` is where the object came from, for a pickle without its session. `rows` and
    `extra`, the undeclared part of a row, may hold anything, even tokens: they are neither shown nor pickled.
    """

    session: Any = None
    saved: bool = False
    mode: Any = None
    peers: Any = None
    origin: dict[str, Any] = attrs.field(factory=dict, repr=False)
    _before: dict[str, Any] | None = attrs.field(default=None, repr=False, alias="before")
    backend: Any = None
    deleted: bool = False
    _extra: dict[str, Any] | None = attrs.field(default=None, repr=False, alias="extra")
    rows: dict[str, Any] | None = attrs.field(default=None, repr=False)
    related: dict[str, Any] | None = None
    parsed: dict[str, tuple[JsonText, Any]] | None = attrs.field(default=None, repr=False)
    checked: dict[str, Sealed] | None = attrs.field(default=None, repr=False)
    api: str | None = None

    @property
    def before(self) -> dict[str, Any]:
        """Made when it is first needed: most rows are only read."""
        if self._before is None:
            self._before = {}
        return self._before

    @before.setter
    def before(self, values: dict[str, Any]) -> None:
        self._before = values

    @property
    def extra(self) -> dict[str, Any] | None:
        """Parsed when it is first read: few ask for it."""
        if self._extra and JsonText in map(type, self._extra.values()):
            self._extra = {name: unseal(value) for name, value in self._extra.items()}
        return self._extra

    @extra.setter
    def extra(self, values: dict[str, Any] | None) -> None:
        self._extra = values

    def text_of(self, name: str) -> JsonText | None:
        """Return the text of a lazy field that came unparsed."""
        value = self.origin.get(name)
        return value if isinstance(value, JsonText) else None

    def opened(self, name: str) -> Any:
        """Return the JSON value of a lazy field for whoever is the first to read it."""
        value = self.origin[name]
        if self.peers is not None and name not in (self.parsed or ()):
            self.peers.note_read(name)
        if value.__class__ is not JsonText:
            return unseal(value)
        text, ready = (self.parsed or {}).pop(name, (None, None))
        return ready if text is value else read(value)

    def loaded(self, name: str) -> Any:
        """Return the JSON value of a lazy field as it was loaded; `UNSET` if it was not."""
        return unseal(self.origin.get(name, UNSET))

    def is_unedited(self, name: str, value: Any) -> bool:
        """Whether the value that was handed out is surely as it was loaded."""
        return is_as_sealed(value, self.origin.get(name))

    def note_checked(self, name: str, sealed: Sealed | None) -> None:
        """Keep an assigned value as it is when it is checked; None where it cannot be sealed."""
        checked = {**(self.checked or {}), name: sealed}
        self.checked = {each: kept for each, kept in checked.items() if kept is not None}

    def is_as_checked(self, name: str, value: Any) -> bool:
        """Whether an assigned value is surely as it was when it was checked."""
        return self.checked is not None and is_as_sealed(value, self.checked.get(name))

    def copy_checked(self, name: str) -> Any:
        """Return a new copy of an assigned value as it was when it was checked."""
        return unseal((self.checked or {})[name])

    def hand_out(self, name: str) -> Any:
        """Return the loaded value for the user to edit, and keep a sealed copy of it."""
        value = self.origin[name]
        if value.__class__ is JsonText:
            return self.opened(name)
        if value is None or value.__class__ is Sealed:
            return unseal(value)
        if self.peers is not None:
            self.peers.note_read(name)
        sealed = seal(value)
        # Another thread may have sealed it, and its user may be editing the value by now.
        if self.origin.get(name) is value:
            self.origin[name] = sealed
        return value

    def keep_sealed(self, name: str) -> None:
        """Seal the loaded value, parts of which what is made of it may share."""
        if self.origin[name].__class__ in (dict, list):
            self.origin[name] = seal(self.origin[name])

    def __getstate__(self) -> dict[str, Any]:
        kept = ("saved", "deleted", "before", "mode")
        # The session is not pickled, but the backend is: elsewhere the key names another object.
        backend = getattr(self.session, "backend", self.backend)
        origin = {name: unseal(value) for name, value in self.origin.items()}
        return {"backend": backend, "origin": origin, **{name: getattr(self, name) for name in kept}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for attribute in attrs.fields(State):
            setattr(self, attribute.name, None)
        for name, value in state.items():
            # Pickles of earlier versions have the address only.
            setattr(self, "backend" if name == "host" else name, value)
