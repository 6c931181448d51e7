"""The base of every entity: declared fields, exact change tracking, deferred loading."""

from __future__ import annotations

import copy
import enum
import inspect

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from itertools import takewhile
from types import MemberDescriptorType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_origin,
    get_type_hints,
)
from uuid import UUID

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import EntityTwins
from synapse.errors import (
    FieldError,
    MappingError,
    MultipleObjectsReturned,
    NotFoundError,
    QueryError,
    did_you_mean,
    quoted,
)
from synapse.mapping.codecs import codec_of, split_optional
from synapse.mapping.json import as_json, detached
from synapse.mapping.schema import (
    READ_ONLY,
    SECRET,
    WRITE_ONLY,
    Field,
    Schema,
    ToManyLink,
    ToOneLink,
    read_only,
    secret,
    write_only,
)
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET
from synapse.optional import optional
from synapse.orm import binding, hints, lazy, loading, saving
from synapse.orm.changes import assign, unsaved
from synapse.orm.fixed import fixed
from synapse.orm.queryset import Objects, is_interactive, refuse_instance
from synapse.orm.record import Record, backend_in, clear, entity_named, has, peek, reference, register
from synapse.orm.relations import ToMany, ToOne
from synapse.query.catalog import Catalog, Lookups
from synapse.query.kinds import (
    Boolean,
    Choice,
    Integer,
    Key,
    Kind,
    Name,
    Reference,
    Search,
    Text,
    TextKey,
    Timestamp,
)
from synapse.query.lookups import By, In

if TYPE_CHECKING:
    from synapse.showing import View

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, field_specifiers=(attrs.field, read_only, write_only, secret))
def entity(
    resource: str,
    *,
    pk: str = "id",
    key: Kind | None = None,
    order_by: tuple[str, ...] = ("id",),
    natural: tuple[str, ...] = (),
) -> Callable[[type[T]], type[T]]:
    """Turn a class into the entity that the dialects know as *resource*.

    `pk` names the primary key field and `key` its format. `order_by` lists the fields that the backend can order by (it
    ignores all others); the first is the default. By the fields in `natural`, such as a title, people name an object:
    `get()` and `get_or_create()` take them too.
    """

    def wrap(cls: type[T]) -> type[T]:
        made = attrs.define(
            kw_only=True,
            eq=False,
            repr=False,
            init=False,
            getstate_setstate=False,
            field_transformer=_with_state,
        )(cls)
        _describe(
            cast("type[Entity]", made), resource, pk=pk, key=key or Key(), order_by=order_by, natural=natural
        )
        return made

    return wrap


def _with_state(cls: type[Any], fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Have `attrs.evolve()` hand over where an object belongs."""
    return [each.evolve(init=True, alias="_state") if each.name == "_state" else each for each in fields]


def _describe(
    cls: type[Entity],
    resource: str,
    *,
    pk: str,
    key: Kind,
    order_by: tuple[str, ...],
    natural: tuple[str, ...],
) -> None:
    hints = get_type_hints(cls, include_extras=True)
    # Resolved here, where the names are known: a public entity goes by the module `synapse` later.
    cls.__annotations__ = {name: hints[name] for name in vars(cls).get("__annotations__", {})}
    declared = attrs.fields(cast("Any", cls))
    fields = {each.name: _field(cls, each, hints[each.name]) for each in declared if each.name != "_state"}
    known = {name: each for base in reversed(cls.__mro__) for name, each in vars(base).items()}
    to_one = {n: ToOneLink(n, one.via, one.declared) for n, one in known.items() if isinstance(one, ToOne)}
    to_many = {
        n: ToManyLink(n, many.by, many.declared) for n, many in known.items() if isinstance(many, ToMany)
    }
    parents = frozenset(vars(base)["_schema"].entity for base in cls.__mro__[1:] if "_schema" in vars(base))
    cls._schema = Schema(
        cls.__name__,
        resource,
        pk=pk,
        key=key,
        fields=fields,
        to_one=to_one,
        to_many=to_many,
        parents=parents,
        natural=natural,
    )
    cls._catalog = Catalog(
        cls.__name__,
        pk=pk,
        lookups=dict(cls.lookups),
        kinds={name: _kind(cls, hints, name) for name in cls.lookups},
        aliases={link.via: name for name, link in to_one.items()},
        order_by=order_by,
        fields=frozenset(fields),
        json=frozenset(name for name, each in fields.items() if each.codec.lazy),
        natural=natural,
    )
    cls.lookups = Lookups(cls.lookups, cls._catalog.kinds)
    cls.__doc__ = cast("Any", EntityDoc(cls.__doc__ or ""))
    for name, base in (("DoesNotExist", NotFoundError), ("MultipleObjectsReturned", MultipleObjectsReturned)):
        doc = f"{base.__doc__}"
        made = type(
            name,
            (base,),
            {"__doc__": doc, "__module__": cls.__module__, "__qualname__": f"{cls.__name__}.{name}"},
        )
        setattr(cls, name, made)
    if resource:
        register(cls)


def _field(cls: type[Entity], attribute: attrs.Attribute[Any], annotation: Any) -> Field:
    default, codec = attribute.default, codec_of(annotation)
    if attribute.metadata.get(READ_ONLY) and codec.kind is list:
        codec = fixed(codec, entity=cls, name=attribute.name)
    made = getattr(default, "factory", None)
    if made is not None:
        default = made()
    return Field(
        attribute.name,
        codec,
        default=UNSET if default is attrs.NOTHING else default,
        nullable=split_optional(annotation)[1],
        read_only=bool(attribute.metadata.get(READ_ONLY)),
        write_only=bool(attribute.metadata.get(WRITE_ONLY)),
        secret=bool(attribute.metadata.get(SECRET)),
        annotation=annotation,
    )


@attrs.frozen(eq=False, repr=False)
class KeyOf:
    """The key of an entity that may be declared later."""

    to: str

    def check(self, what: str, value: Any) -> Any:
        """Check the value as that entity's own key."""
        schema = entity_named(self.to)._schema
        try:
            return schema.key.check(what, value)
        except QueryError as error:
            if not isinstance(value, str) or not schema.natural or value.isdecimal():
                raise
            hint = f"; {self.to}.objects.get({schema.natural[0]}=...) finds one by its {schema.natural[0]}"
            raise QueryError(f"{error}{hint}") from None


def _kind(cls: type[Entity], hints: Mapping[str, Any], name: str) -> Kind:
    by: By = cls.lookups[name]
    if isinstance(by.of, str):
        return Reference(by.of, key=KeyOf(by.of))
    if name in cls._schema.to_one:
        target = cls._schema.to_one[name].target
        return Reference(target, key=KeyOf(target))
    if name == cls._schema.pk:
        return Reference(cls.__name__, key=cls._schema.key)
    kind = kind_of(by.of if by.of is not None else hints[name])
    # Several texts travel in one parameter, separated by commas.
    return Name() if In in by.lookups and isinstance(kind, Text) else kind


def kind_of(annotation: Any) -> Kind:
    """Choose how filter values of a type are checked."""
    declared, _ = split_optional(annotation)
    if get_origin(declared) is Annotated:
        return TextKey(form=declared.__metadata__[0])
    candidates = getattr(declared, "__args__", None) or (declared,)
    for each in candidates:
        if isinstance(each, type) and issubclass(each, enum.Enum):
            return Choice(each)
    kinds: dict[Any, Kind] = {
        int: Integer(),
        bool: Boolean(),
        str: Text(),
        datetime: Timestamp(),
        date: Timestamp(),
        UUID: TextKey(),
        Search: Search(),
    }
    if declared not in kinds:
        raise TypeError(
            f"no filter takes {declared!r}; give the type that travels, such as By(Exact, of=str)"
        )
    return kinds[declared]


class EntityDoc:
    """The docstring of an entity; where somebody types, it goes on with fields, lookups, orders and relations."""

    def __init__(self, doc: str) -> None:
        self.doc = doc

    def __get__(self, instance: Entity | None, owner: type[Entity]) -> str:
        is_asked = is_interactive() and owner._schema.resource
        return f"{self.doc}\n\n{self._outline(owner)}" if is_asked else self.doc

    @optional
    def _outline(self, owner: type[Entity]) -> str:
        raise NotImplementedError


class EntitySignature:
    """What `inspect.signature(Task)` gives: the fields and relations of a new object, with their types."""

    def __get__(self, instance: Entity | None, owner: type[Entity]) -> inspect.Signature:
        if owner.__init__ is not Entity.__init__:
            raise AttributeError("__signature__")  # so that its own `__init__()` is looked at
        return self._made(owner)

    @optional
    def _made(self, owner: type[Entity]) -> inspect.Signature:
        raise NotImplementedError


@entity("")
class Entity(EntityTwins, Record):
    """Anything that the backend gives a key.

    Fields, relations and lookups are declared by the subclasses; a name that is not declared raises at once.
    """

    objects = Objects()

    if not TYPE_CHECKING:  # type checkers read the fields themselves
        __signature__ = EntitySignature()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _check_nothing_hidden(cls)

    def __init__(self, **values: Any) -> None:
        """Make a new object, not known to the backend before `save()`."""
        # `attrs.evolve()` gives the state of the object that it copies: where that belongs, so does the new one.
        schema, source = self._schema, values.pop("_state", None)
        state = State(session=source.session, backend=backend_in(source)) if source else State()
        object.__setattr__(self, "_state", state)
        known = schema.settable
        for name in values:
            if name not in known and not _is_property(type(self), name):
                raise FieldError(
                    f"{schema.entity} has no field {quoted(name)} that can be set{did_you_mean(name, known)}. "
                    f"Fields: {', '.join(known)}",
                    name=name,
                )
        for relation, via in schema.relations.items():
            if relation in values and via in values:
                raise MappingError(f"{schema.entity} got both {relation!r} and {via!r}; give one of them")
        # What properties of a subclass set may build upon fields.
        for name in sorted(values, key=known.__contains__, reverse=True):
            setattr(self, name, values[name])
        for name in schema.required:
            if name not in self._state.before:
                raise MappingError(f"{schema.entity} needs {name!r}: {schema.entity}({name}=...)")

    @classmethod
    def ref(cls, pk: int | str) -> Self:
        """Refer to an object by its key; nothing is fetched until a field is read.

        >>> Task.ref(5)
        <Task 5>
        """
        checked = cls._schema.key.check(f"{cls.__name__}.ref()", pk)
        return reference(cls, checked)

    @classmethod
    @optional
    def describe(cls) -> View:
        """Show fields, lookups, orders, relations and verbs in a terminal or a notebook; nothing is sent."""
        raise NotImplementedError

    @property
    def extra(self) -> dict[str, Any]:
        """What the backend sent that this version of the SDK does not know, in the order of its names."""
        # Rows that are not parsed have lost the order of their keys.
        return copy.deepcopy(dict(sorted((self._state.extra or {}).items())))

    @property
    def changes(self) -> dict[str, Any]:
        """What `save()` would send: a copy of the new value of each changed field."""
        return {name: detached(value) for name, value in unsaved(self).items()}

    @sends
    def save(
        self, *, check: bool = False, update_fields: Iterable[str] | None = None, dry_run: bool = False
    ) -> Self:
        """Create the object, or send what changed; without changes nothing is sent.

        `update_fields` works as in Django, but is refused if it would leave out another changed field.

        `check=True` reads the row first: if somebody else has changed a field that would be sent since it was loaded,
        nothing is sent and `ConflictError` is raised. Raises `ValidationError` if the backend refuses the values,
        `WriteIgnoredError` if its answer shows that it ignored one, and `WriteUnconfirmedError` if no answer came, or
        one about another row. A plugin is saved by PUT, which is sent again if no answer came and may then overwrite
        what somebody else saved in the meantime; `Session(retry=Retry(total=0))` turns that off.

        With `dry_run=True` the backend checks the values and stores nothing, and the object stays as it is.
        """
        saving.save(self, check=check, update_fields=update_fields, dry_run=dry_run)
        return self

    @sends
    def refresh(self) -> Self:
        """Reload the object and drop unsaved changes; fields that its row does not contain load when read."""
        # A new or deleted object has no row to read.
        binding.held(self, "refresh")
        loading.refresh(self)
        return self

    @sends
    def delete(self, *, dry_run: bool = False) -> None:
        """Delete the object on the backend; with `dry_run=True` it only says whether that would be allowed."""
        saving.delete(self, dry_run=dry_run)

    def to_dict(self, *, json: bool = False) -> dict[str, Any]:
        """Return copies of the loaded fields, with `json=True` as JSON values; nothing is fetched."""
        copied = as_json if json else detached
        return {name: copied(getattr(self, name)) for name in self._schema.fields if has(self, name)}

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    # Type checkers would otherwise take any name as declared.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name[:2] == "__":
                raise AttributeError(name)  # libraries probe for dozens of these on every object
            # Python comes here for slots that are not set: a field that the row did not carry, or is not opened yet.
            if name in type(self)._schema.fields:
                return lazy.field_value(self, name)
            if name == "objects":
                refuse_instance(self, type(self))
            if hasattr(type(self), name):
                # A property failed by an AttributeError of its own, which says what is wrong.
                return object.__getattribute__(self, name)
            cls = type(self)
            raise FieldError(name=name, say=lambda: hints.attribute(cls.__name__, name, known=dir(cls)))

        def __setattr__(self, name: str, value: Any) -> None:
            field = self._schema.fields.get(name)
            if field is not None:
                if field.read_only:
                    # `job.params |= {...}` has edited what is read next.
                    if field.codec.lazy and name in self._state.origin and peek(self, name) is value:
                        clear(self, name)
                    said = f"{type(self).__name__}.{name} is set by the backend and cannot be assigned"
                    raise FieldError(said, name=name)
                assign(self, field, value=value)
            elif _is_set_by_descriptor(type(self), name):
                object.__setattr__(self, name, value)
            else:
                hint = did_you_mean(name, self._schema.settable)
                raise FieldError(
                    f"{type(self).__name__} has no field {quoted(name)}{hint}; nothing was set", name=name
                )

    def __delattr__(self, name: str) -> None:
        said = f"fields cannot be deleted; assign None to clear {quoted(name)} where it may be null"
        raise FieldError(said, name=name)

    def __reduce__(self) -> tuple[Any, ...]:
        secrets = {name for name, field in self._schema.fields.items() if field.secret}
        # Without its secret the copy would be saved as if nothing was to be set.
        if kept_back := secrets & set(unsaved(self)):
            raise QueryError(
                f"{self!r} has an unsaved {min(kept_back)}, and secrets are not pickled: save() first"
            )
        return super().__reduce__()


def _check_nothing_hidden(cls: type[Entity]) -> None:
    """Refuse a subclass whose methods or properties go by the name of a field or relation, which rows need."""
    schema = cls._schema
    taken = {*schema.names, *schema.to_many}
    # Classes above the declaration are the entity itself, whose fields are slots of the same names.
    for each in takewhile(lambda base: vars(base).get("_schema") is not schema, cls.__mro__):
        again = vars(each).get("__annotations__", {})
        for name, value in vars(each).items():
            if (
                name in taken
                and name not in again
                and not isinstance(value, MemberDescriptorType | ToOne | ToMany)
            ):
                raise MappingError(
                    f"{cls.__name__}.{name} would hide a field of {schema.entity}: name it otherwise"
                )


def _is_property(cls: type[Entity], name: str) -> bool:
    """Whether a subclass declared a property of this name that can be set."""
    declared = inspect.getattr_static(cls, name, None)
    return isinstance(declared, property) and declared.fset is not None


def _is_set_by_descriptor(cls: type[Entity], name: str) -> bool:
    """Whether a descriptor takes what is assigned: a relation, or a property of a subclass."""
    declared = inspect.getattr_static(cls, name, None)
    if type(declared) is property:
        return declared.fset is not None
    return hasattr(declared, "__set__") and not isinstance(declared, MemberDescriptorType)


__all__ = ["Entity", "entity", "entity_named"]
