"""The schema of an entity: its fields and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, overload

import attrs

from synapse.errors import MappingError, QueryError, did_you_mean, quoted
from synapse.mapping.codecs import Codec, Misfit
from synapse.mapping.json import Sealed, seal_plain
from synapse.mapping.unset import UNSET
from synapse.showing import bounded

READ_ONLY = "synapse.read_only"
WRITE_ONLY = "synapse.write_only"
SECRET = "synapse.secret"  # noqa: S105 - a metadata key, not a secret


@bounded
@attrs.frozen(repr=False)
class Field:
    """One declared field of an entity; `annotation` is its type as it was declared."""

    name: str
    codec: Codec
    default: Any = UNSET
    nullable: bool = False
    read_only: bool = False
    write_only: bool = False
    secret: bool = False
    annotation: Any = attrs.field(default=None, repr=False)

    @property
    def required(self) -> bool:
        """Whether a new object needs it."""
        return self.default is UNSET and not self.read_only

    def accept(self, owner: str, value: Any) -> Any:
        """Check a value that a user assigns, or raise `MappingError` naming the field."""
        if value is None:
            if self.nullable:
                return None
            raise MappingError(
                f"{owner}.{self.name} cannot be None; leave it out to keep the backend's default"
            )
        try:
            return self.codec.accept(value)
        except Misfit as misfit:
            hidden = Misfit(f"it does not take this {type(value).__name__}")
            said = (hidden if self.secret else misfit).of(f"{owner}.{self.name}")
            raise MappingError(said) from None

    def sealed(self, value: Any) -> Sealed | None:
        """Seal JSON that can be sent as it is; None for any other value, which `accept()` has to look at."""
        is_json = self.codec.plain and (self.codec.kind is None or value.__class__ is self.codec.kind)
        return seal_plain(value) if is_json else None


class KeyKind(Protocol):
    """The type of an entity's keys."""

    def check(self, what: str, value: Any) -> Any:
        """Return a checked key, or raise `QueryError` that starts with *what*."""


@attrs.frozen
class ToOneLink:
    """A link to the one object of *target* whose key is in the field *via*."""

    name: str
    via: str
    target: str


@attrs.frozen
class ToManyLink:
    """A link to the objects of *target* that point back, found by their lookup *by*."""

    name: str
    by: str
    target: str


@bounded
@attrs.frozen(eq=False, repr=False)
class Schema:
    """One entity as the lower layers see it.

    `key` checks its keys; `to_one` and `to_many` are its links by name, with the names of their targets. `relations`
    maps each to-one name to the field that holds its key. `parents` are the entities that it extends, `natural` the
    fields that people name an object by. `settable` are the fields and to-one relations that a user may set,
    `required` the fields that a new object needs.
    """

    entity: str
    resource: str
    pk: str
    key: KeyKind = attrs.field(repr=False)
    fields: Mapping[str, Field]
    to_one: Mapping[str, ToOneLink]
    to_many: Mapping[str, ToManyLink]
    parents: frozenset[str] = frozenset()
    natural: tuple[str, ...] = ()
    relations: Mapping[str, str] = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: {name: link.via for name, link in self.to_one.items()}, takes_self=True
        ),
    )
    settable: tuple[str, ...] = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: tuple(name for name in self.names if not self.field(name).read_only), takes_self=True
        ),
    )
    required: tuple[str, ...] = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: tuple(name for name, field in self.fields.items() if field.required), takes_self=True
        ),
    )

    def is_a(self, entity: str) -> bool:
        """Whether this is the entity of that name, or extends it."""
        return entity == self.entity or entity in self.parents

    def field(self, name: str) -> Field:
        """Find a field by its name, or by the to-one relation that it holds the key of: `project`, `project__id`."""
        owner, _, rest = name.partition("__")
        if rest in ("id", "pk") and owner in self.relations:
            name = owner
        key = self.pk if name == "pk" else self.relations.get(name, name)
        known = self.fields.get(key)
        if known is None:
            raise QueryError(
                f"{self.entity} has no field {quoted(name)}{self._instead(owner, rest)}. "
                f"Fields: {', '.join(self.names)}"
            )
        return known

    def _instead(self, owner: str, rest: str) -> str:
        if rest and owner in self.relations:
            return f": relations are not followed here; read row.{owner}.{rest.replace('__', '.')}"
        if rest and owner in self.fields:
            return f": ask for {owner!r}, and look into it here"
        return did_you_mean(owner, self.names)

    def is_code(self, key: object) -> bool:
        """Whether a key is text that the backend accepts instead of the number."""
        return isinstance(key, str) and self.fields[self.pk].codec.kind is int

    @property
    def names(self) -> list[str]:
        """Every name of a field or of a to-one relation."""
        return [*self.fields, *self.relations]

    def spellings(self) -> list[str]:
        """Every name that `field()` knows."""
        keys = [f"{relation}__{key}" for relation in self.relations for key in ("id", "pk")]
        return list(dict.fromkeys((*self.names, "pk", *keys)))


@overload
def read_only(*, secret: bool = False, init: Literal[False] = False) -> Any: ...
@overload
def read_only(*, secret: bool = False, init: bool) -> Any: ...
def read_only(*, secret: bool = False, init: bool = False) -> Any:
    """Declare a field that only the backend sets; if `secret`, no `repr` shows it."""
    return attrs.field(default=None, init=init, metadata={READ_ONLY: True, SECRET: secret})


def write_only(*, default: Any = attrs.NOTHING, factory: Callable[[], Any] | None = None) -> Any:
    """Declare a field that the backend accepts but never returns; on a loaded object it reads as its default."""
    return attrs.field(default=default, factory=factory, metadata={WRITE_ONLY: True})


def secret(*, default: Any = attrs.NOTHING, factory: Callable[[], Any] | None = None) -> Any:
    """Declare a field that no `repr` shows."""
    return attrs.field(default=default, factory=factory, metadata={SECRET: True})
