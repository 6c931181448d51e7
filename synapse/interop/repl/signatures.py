"""The signatures of a manager's methods with the names of its entity, by which IPython and `help()` know them."""

from __future__ import annotations

import functools
import inspect

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from inspect import Parameter, Signature
from keyword import iskeyword
from types import FunctionType
from typing import Any, Final, Literal, cast

from synapse.asynchronous.twins import twin_of
from synapse.errors import QueryError
from synapse.interop.repl.declared import nested_in, types_of
from synapse.orm import Entity, ManagedBy, Rows, Values
from synapse.orm.entity import EntitySignature
from synapse.orm.record import Record, catalog_of, entity_named, schema_of
from synapse.query import In
from synapse.query.kinds import Boolean, Choice, Integer, Key, Kind, Reference, TextKey, Timestamp
from synapse.query.lookups import Lookup


class _Left:
    """The default of what may be left out."""

    def __repr__(self) -> str:
        return "…"


LEFT: Final = _Left()


def sign(managed: ManagedBy[Any], owner: type[Any]) -> None:
    """Give the methods of a manager signatures with the names and types of its entity.

    The methods become functions of the manager itself, since those of its bases serve other entities too.
    """
    manager = managed.manager
    named, chosen = _named(owner), _chosen(owner)
    returned = {"Self": manager, "E": owner, "E | None": owner, owner.__name__: owner}
    returned |= {"Values[dict[str, Any]]": Values, "Values[Any]": Values, "Rows[E]": Rows}
    for name in dir(manager):
        method = inspect.getattr_static(manager, name)
        if name.startswith("_") or not isinstance(method, FunctionType):
            continue
        of = twin_of(method) or name
        if of != name and not inspect.iscoroutinefunction(method):
            continue  # the twin of a stream
        gives = returned.get(method.__annotations__.get("return", ""))
        if gives is not None or of in named or of in chosen:
            parameters = _parameters(_declared(method), named.get(of, {}), chosen.get(of))
            setattr(manager, name, _signed(manager, method, parameters, gives))


@functools.cache
def _declared(method: FunctionType) -> tuple[Parameter, ...]:
    return tuple(inspect.signature(method).parameters.values())


def _signed(
    manager: type[Any], method: FunctionType, parameters: Iterable[Parameter], gives: Any
) -> Callable[..., Any]:
    def plain(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    signed: Any = awaited if inspect.iscoroutinefunction(method) else plain
    vars(signed).update({name: value for name, value in vars(method).items() if name != "__wrapped__"})
    # Not by `functools.wraps`: completers would unwrap it, and find the general signature again.
    signed.__name__, signed.__qualname__ = method.__name__, f"{manager.__qualname__}.{method.__name__}"
    signed.__doc__, signed.__module__ = method.__doc__, manager.__module__
    signed.__annotations__ = {"return": gives} if gives else {}
    shown = gives or method.__annotations__.get("return", Signature.empty)
    signed.__signature__ = Signature(list(parameters), return_annotation=shown)
    return cast("Callable[..., Any]", signed)


def _parameters(declared: Iterable[Parameter], named: Mapping[str, Any], chosen: Any) -> Iterable[Parameter]:
    """Replace `**lookups` by the names that there are, and say what `*names` may be."""
    taken = {each.name for each in declared if each.kind is not Parameter.POSITIONAL_ONLY}
    for each in declared:
        if each.kind is Parameter.VAR_KEYWORD and named:
            yield from (
                Parameter(name, Parameter.KEYWORD_ONLY, default=LEFT, annotation=kind)
                for name, kind in named.items()
                if name not in taken and name.isidentifier() and not iskeyword(name)
            )
        elif each.name != "refused":
            yield (
                each.replace(annotation=chosen) if each.kind is Parameter.VAR_POSITIONAL and chosen else each
            )


def _named(owner: type[Record]) -> dict[str, dict[str, Any]]:
    """Give the names that methods take by keyword, each with its type."""
    catalog = catalog_of(owner)
    spelled = catalog.every_spelling()
    lookups = {
        spelling: _value_type(catalog.kinds[spelled[spelling][0]], spelled[spelling][1])
        for spelling in catalog.spellings()
    }
    excluded = {each: kind for each, kind in lookups.items() if catalog.can_exclude(*spelled[each])}
    values = _field_types(owner)
    schema = schema_of(owner)
    by_key = {schema.pk: Any, **lookups, **dict.fromkeys(schema.natural, str)}
    return {
        "filter": lookups,
        "exclude": excluded,
        "get": by_key,
        **dict.fromkeys(("get_or_create", "update_or_create"), by_key),
        **dict.fromkeys(("create", "update"), values),
    }


def _chosen(owner: type[Record]) -> dict[str, Any]:
    """Give what the names are that methods take by position."""
    schema, catalog = schema_of(owner), catalog_of(owner)
    orders, fields = _texts(catalog.order_names()), _texts(schema.names)
    return {
        **dict.fromkeys(("order_by", "latest", "earliest"), orders),
        **dict.fromkeys(("only", "defer", "values", "values_list"), fields),
        "select_related": _texts(nested_in(owner)),
        "prefetch_related": _texts((*schema.to_one, *schema.to_many)),
    }


def _texts(names: Iterable[str]) -> Any:
    given = tuple(names)
    return Literal[given] if given else None


def signature_of_entity(of: EntitySignature, owner: type[Entity]) -> Signature:
    """Give the signature of an entity: every field and relation that a new object takes."""
    fields = schema_of(owner).fields
    parameters = []
    for name, kind in _field_types(owner).items():
        default: Any = LEFT
        if name in fields:
            default = Parameter.empty if fields[name].required else fields[name].default
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default))
    return Signature(parameters, return_annotation=owner)


def _field_types(owner: type[Record]) -> dict[str, Any]:
    """Give the fields and relations that can be set, each with its type."""
    schema, declared = schema_of(owner), types_of(owner)
    targets = {name: _entity(link.target) for name, link in schema.to_one.items()}
    return {name: targets.get(name) or declared.get(name, Any) for name in schema.settable}


def _entity(name: str) -> Any:
    """Find an entity; one that is declared later is any."""
    try:
        return entity_named(name)
    except QueryError:
        return Any


def _value_type(kind: Kind, lookup: type[Lookup]) -> Any:
    """Give the type of the values that a lookup takes."""
    single = _compared(lookup.kind_of(kind))
    return list[single] if issubclass(lookup, In) else single  # type: ignore[valid-type]


def _compared(kind: Kind) -> Any:
    if isinstance(kind, Choice):
        return kind.of
    if isinstance(kind, Reference):
        target = _entity(kind.to)
        return Any if target is Any else target | (int if isinstance(target._schema.key, Key) else str)
    if isinstance(kind, Timestamp):
        return datetime | date | str
    return {Boolean: bool, Integer: int, TextKey: str}.get(type(kind), str)
