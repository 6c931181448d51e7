"""Conversion of field values between JSON and Python, one codec for each type."""

from __future__ import annotations

import enum
import functools
import operator
import types

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from synapse.errors import describe, did_you_mean
from synapse.mapping.choices import OpenChoice
from synapse.mapping.json import copy_json
from synapse.mapping.likeness import Like, Likeness, like_json, like_lists, like_moment
from synapse.mapping.structuring import (
    IMMUTABLE,
    as_integer,
    as_moment,
    as_number,
    as_text,
    converter,
    exactly,
    first_misfit,
    is_taught,
    load_moment,
    structured,
)
from synapse.mapping.structuring import Misfit as Misfit
from synapse.mapping.structuring import check_json as check_json
from synapse.values import plain


def _plainly(accept: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Take a value of another library as Python's own."""
    return lambda value: accept(plain(value))


@attrs.frozen(eq=False, repr=False)
class Codec:
    """The conversions of one field type.

    `load` makes a Python value of a JSON value, `dump` the reverse; `accept` checks and converts what a user assigns. A
    `lazy` value is opened when it is first read, so that edits inside it can be compared with what was loaded; if
    `exact`, an opened value dumps to exactly what was loaded. JSON values of the class `kind` load unchanged, and those
    in `table` as their entries; a lazy value without a `kind` may be anything. A `plain` value opens to itself.
    `completed` adds to an opened value what else its row says. `like` compares a JSON value that was sent with one that
    the backend shows.
    """

    load: Callable[[Any], Any]
    accept: Callable[[Any], Any] = attrs.field(converter=_plainly)
    dump: Callable[[Any], Any] = copy_json
    lazy: bool = False
    exact: bool = True
    open: Callable[[Any, Any], Any] | None = None
    kind: type | None = None
    table: Mapping[Any, Any] | None = None
    plain: bool = False
    completed: Callable[[Any, Callable[[str], Any]], Any] | None = None
    like: Like = like_json


def _accept_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(f"expected a dict, got {describe(value)}")
    checked: dict[str, Any] = check_json(value)
    return checked


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    by_value = {member.value: member for member in kind}

    def load(value: Any) -> Any:
        # A newer backend may know more values than this version: they are read as plain text.
        if isinstance(value, str):
            return by_value.get(value) or kind._missing_(value) or value
        raise Misfit(f"expected one of {', '.join(by_value)}, got {describe(value)}")

    def accept(value: Any) -> Any:
        member = load(as_text(value) if isinstance(value, str) else value)
        if isinstance(member, kind) or (issubclass(kind, OpenChoice) and value):
            return member
        hint = did_you_mean(value, by_value) if isinstance(value, str) else ""
        raise Misfit(f"{describe(value)} is no {kind.__name__}{hint}. Values: {', '.join(by_value)}")

    def like(sent: Any, held: Any) -> Likeness:
        texts = isinstance(sent, str) and isinstance(held, str)
        return Likeness.SAME if texts and load(sent) == load(held) else like_json(sent, held)

    return Codec(load, accept, dump=str, exact=False, table=by_value, like=like)


def _list_codec(item: Any) -> Codec:
    inner = codec_of(item)

    def load(value: Any) -> Any:
        # The class itself, since JSON makes no subclasses and every row comes by here.
        if value.__class__ is not list:
            raise Misfit(f"expected a list, got {describe(value)}")
        return value

    def accept(value: Any) -> Any:
        # A text or a dict can be iterated as well, and would be stored letter by letter or as its keys.
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
            raise Misfit(f"expected a list, got {describe(value)}")
        return [_taken(inner, each, step=f"[{index}]") for index, each in enumerate(value)]

    # What loads unchanged needs only a list of its own.
    kind = inner.kind if inner.open is None and inner.table is None else None

    def opened(value: Any, session: Any) -> Any:
        if kind is not None and set(map(type, value)) <= {kind}:
            return list(value)
        found: list[Any] = []
        try:
            for each in value:
                found.append(open_value(inner, each, session=session))
        except Misfit as misfit:
            raise Misfit(misfit.said, f"[{len(found)}]{misfit.path}") from None
        return found

    def like(sent: Any, held: Any) -> Likeness:
        lists = isinstance(sent, list) and isinstance(held, list)
        return like_lists(sent, held, item=inner.like) if lists else like_json(sent, held)

    return Codec(
        load,
        accept,
        dump=lambda values: [dump_value(inner, each) for each in values],
        lazy=True,
        exact=inner.exact,
        open=opened,
        kind=list,
        like=like,
    )


def _taken(codec: Codec, value: Any, *, step: str) -> Any:
    try:
        return codec.accept(value)
    except Misfit as misfit:
        raise Misfit(misfit.said, step + misfit.path) from None


def _map_codec(item: Any) -> Codec:
    inner, made = codec_of(item), () if get_origin(item) else item

    def accept(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit(f"expected a dict, got {describe(value)}")
        # The backend takes other keys of a file than it sends, so that given objects are sent unchanged.
        held = check_json({key: None if isinstance(each, made) else each for key, each in value.items()})
        for key, each in value.items():
            if not isinstance(each, dict):
                _taken(inner, each, step=f"[{key!r}]")
        return {key: each if isinstance(each, made) else held[key] for key, each in value.items()}

    to_open = inner.open or (lambda raw, session: inner.load(raw))

    def opened(value: Any, session: Any) -> Any:
        return {key: None if each is None else to_open(each, session) for key, each in value.items()}

    def like(sent: Any, held: Any) -> Likeness | None:
        if not isinstance(sent, dict) or not isinstance(held, dict):
            return like_json(sent, held)
        found = [inner.like(each, held[key]) for key, each in sent.items() if key in held]
        if Likeness.OTHER in found or (held and sent.keys() - held.keys()):
            return Likeness.OTHER
        # An entry that cannot be compared leaves the whole open, unless another one contradicts.
        told = [each for each in found if each is not None]
        if len(told) < len(sent):
            return None
        # The backend may add entries of its own.
        return min([*told, Likeness.SAME if sent.keys() == held.keys() else Likeness.POSSIBLE])

    return Codec(
        load=exactly(dict, "a JSON object"),
        accept=accept,
        dump=lambda values: {key: dump_value(inner, each) for key, each in values.items()},
        lazy=True,
        exact=inner.exact,
        open=opened,
        kind=dict,
        like=like,
    )


def _value_codec(kind: Any) -> Codec:
    """Codec of every type that has none of its own here, by the hooks of `converter`.

    A class may convert its own values by `from_wire(raw, session)` and `to_wire()`; `from_row()` is the same for a JSON
    value that nobody else holds. `beside(told)` completes a value by other values of its row, which `told(name)`
    returns. `unsent()` says why a value that a user assigns cannot be written, although a row may hold it, and
    `like(sent)` compares a value with a JSON value that was sent.
    """
    from_wire = getattr(kind, "from_wire", None)
    from_row = getattr(kind, "from_row", from_wire)
    to_wire: Callable[[Any], Any] = getattr(
        kind, "to_wire", partial(converter.unstructure, unstructure_as=kind)
    )
    unsent: Callable[[Any], str | None] | None = getattr(kind, "unsent", None)
    opened = partial(_own_value, kind, from_wire) if from_wire else partial(_structured_value, kind)
    is_generic = get_origin(kind) is not None

    def accept(value: Any) -> Any:
        # `isinstance` knows no `tuple[int, ...]`, whose items have to be looked at anyway.
        if is_generic or not isinstance(value, kind):
            if attrs.has(kind) and not from_wire and isinstance(value, dict):
                _check_names(kind, value)
            value = opened(value, None)
        if unsent and (reason := unsent(value)):
            raise Misfit(reason)
        check_json(to_wire(value))
        return value

    def dump(value: Any) -> Any:
        return copy_json(to_wire(value) if is_generic or isinstance(value, kind) else value)

    def like(sent: Any, held: Any) -> Likeness | None:
        if sent is None or held is None:
            return like_json(sent, held) if sent is None else None
        try:
            shown = opened(held, None)
            if hasattr(kind, "like"):
                found: Likeness | None = shown.like(sent)
                return found
            meant = opened(sent, None)
            return Likeness.SAME if meant == shown else like_json(dump(meant), dump(shown))
        except Misfit:
            # What cannot be read says nothing about what was sent.
            return None

    # It cannot be edited in place, so that nothing has to be kept unopened to find edits.
    if kind in IMMUTABLE:
        return Codec(lambda value: opened(value, None), accept, dump=dump, exact=False, like=like)
    return Codec(
        load=lambda value: value,
        accept=accept,
        dump=dump,
        lazy=True,
        exact=False,
        open=partial(_own_value, kind, from_row) if from_row else opened,
        completed=getattr(kind, "beside", None),
        like=like,
    )


def _own_value(kind: Any, read: Callable[[Any, Any], Any], value: Any, session: Any) -> Any:
    try:
        return read(value, session)
    except Misfit as misfit:
        raise Misfit(f"{kind.__name__}: {misfit}") from None
    except Exception as error:
        raise Misfit(f"expected a {kind.__name__}, got {describe(value)}") from error


def _structured_value(kind: Any, value: Any, session: Any) -> Any:
    try:
        return structured(value, kind)
    except Exception:
        raise first_misfit(value, kind) from None


def _check_names(kind: Any, given: dict[str, Any]) -> None:
    """Refuse a misspelt or missing name in a dict that a user gives for a value class."""
    known = [each.name for each in attrs.fields(kind)]
    for name in given:
        if name not in known:
            raise Misfit(f"a {kind.__name__} has no {name!r}{did_you_mean(str(name), known)}")
    for each in attrs.fields(kind):
        if each.default is attrs.NOTHING and each.name not in given:
            raise Misfit(f"a {kind.__name__} needs {each.name!r}")


def open_value(codec: Codec, raw: Any, *, session: Any) -> Any:
    """Return the Python value of a JSON value that was kept unopened."""
    if raw is None:
        return None
    return codec.open(raw, session) if codec.open else codec.load(raw)


def dump_value(codec: Codec, value: Any) -> Any:
    """Return the JSON value of a Python value."""
    return None if value is None else codec.dump(value)


_OPEN_JSON = Codec(
    load=lambda value: value,
    accept=check_json,
    lazy=True,
    open=lambda value, session: copy_json(value),
    plain=True,
)
_OBJECT = Codec(
    load=exactly(dict, "a JSON object"),
    accept=_accept_object,
    lazy=True,
    open=lambda value, session: copy_json(value),
    kind=dict,
    plain=True,
)
_SCALARS: dict[Any, Codec] = {
    int: Codec(exactly(int, "an integer"), as_integer, kind=int),
    bool: Codec(exactly(bool, "true or false"), exactly(bool, "True or False"), kind=bool),
    str: Codec(exactly(str, "text"), as_text, kind=str),
    float: Codec(as_number, as_number),
    datetime: Codec(
        load_moment,
        as_moment,
        dump=lambda moment: moment.isoformat(),
        exact=False,
        like=like_moment,
    ),
    Any: _OPEN_JSON,
    object: _OPEN_JSON,
}


def split_optional(annotation: Any) -> tuple[Any, bool]:
    """Split `X | None` into X and whether None was there; `Any` may be None.

    >>> split_optional(int | None)
    (<class 'int'>, True)
    """
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return (rest[0] if len(rest) == 1 else functools.reduce(operator.or_, rest)), len(rest) < len(
            get_args(annotation)
        )
    return annotation, annotation is Any


def _formed(form: Callable[[str], str]) -> Codec:
    """Codec of text that is normalised by *form*."""
    load = exactly(str, "text")
    return Codec(lambda value: form(load(value)), lambda value: form(as_text(value)), exact=False)


def codec_of(annotation: Any) -> Codec:
    """Choose the codec of a field annotation; `X | str` is an enumeration that may be read as plain text."""
    kind, _ = split_optional(annotation)
    if get_origin(kind) is Annotated:
        return _formed(kind.__metadata__[0])
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        enums = [each for each in arguments if isinstance(each, type) and issubclass(each, enum.Enum)]
        if len(enums) == 1 and str in arguments:
            return _enum_codec(enums[0])
    elif isinstance(kind, type) and issubclass(kind, enum.Enum) and issubclass(kind, str):
        return _enum_codec(kind)
    elif origin is list:
        return _list_codec(arguments[0])
    elif origin is dict and arguments[1] is Any:
        return _OBJECT
    # Entries that do not dump to what was loaded would make every map that was read look edited.
    elif origin is dict and (hasattr(arguments[1], "from_wire") or codec_of(arguments[1]).exact):
        return _map_codec(arguments[1])
    elif hasattr(kind, "from_wire") or is_taught(kind):
        return _value_codec(kind)
    raise TypeError(
        f"no codec for {annotation!r}; declare the field with one of the documented types, or register hooks for this "
        "one with synapse.mapping.converter"
    )
