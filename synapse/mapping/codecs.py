"""How one field's value gets from the wire into Python and back, with cattrs doing the structuring."""

from __future__ import annotations

import enum
import functools
import math
import operator
import types

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
import cattrs

from synapse.errors import MappingError, describe, did_you_mean
from synapse.mapping.choices import OpenChoice
from synapse.mapping.json import copy_json
from synapse.mapping.likeness import Like, Likeness, like_json, like_lists, like_moment
from synapse.values import advice, is_missing, plain, sendable


class Misfit(ValueError):  # noqa: N818 - internal signal, turned into a MappingError with its path
    """A value does not fit; the message says what was expected, and *path* where inside the value that is."""

    def __init__(self, said: str, path: str = "") -> None:
        super().__init__(f"{path}: {said}" if path else said)
        self.said = said
        self.path = path

    def of(self, what: str) -> str:
        """Say of which value this is."""
        return f"{what}{self.path}: {self.said}"


def _plainly(accept: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Take a value of another library as Python's own."""
    return lambda value: accept(plain(value))


@attrs.frozen
class Codec:
    """The ways of one field type.

    `load` turns a wire value into Python's; `accept` checks (and gently converts) what a user assigns; `dump` is the
    way back. A `lazy` value is opened when first read, so that edits inside it can be told from what was loaded;
    `exact` says that an open value dumps to just what was loaded. Wire values of the class `kind` load as they are, and
    those in `table` as what stands there; a lazy value without a `kind` may be anything. A `plain` value opens to
    itself. A value that was opened from a row may be `completed` by what else the row tells. `like` compares a wire
    value that was sent with one that the backend shows, in their normal form.
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


def _exactly(kind: type, said: str) -> Callable[[Any], Any]:
    def load(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        raise Misfit(f"expected {said}, got {describe(value)}")

    return load


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise Misfit(f"expected an integer, got {describe(value)}")
    try:
        return operator.index(value)
    except TypeError:
        raise Misfit(f"expected an integer, got {describe(value)}") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit(f"expected a finite number, got {describe(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Misfit(f"expected a finite number, got {describe(value)}")
    return number


def _accept_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Misfit(f"expected text, got {describe(value)}{advice(value)}")
    # A member of a text enumeration is stored by its value, not by its name.
    text = str.__str__(value)
    if reason := sendable(text):
        raise Misfit(f"{reason}: {describe(text)}")
    return text


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Misfit(f"expected an ISO 8601 date and time, got {describe(value)}") from None


def _load_moment(value: Any) -> datetime:
    moment = _moment(value)
    if moment.tzinfo is None:
        raise Misfit(f"expected a date and time with its UTC offset, got {describe(value)}")
    return moment


def _accept_moment(value: Any) -> datetime:
    moment = _moment(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or is_missing(moment):
        hint = "; write None for a missing value" if is_missing(moment) else ""
        raise Misfit(f"expected a datetime, got {describe(value)}{hint}")
    if moment.utcoffset() is None:
        raise Misfit(
            f"{moment!r} has no time zone; write e.g. datetime(..., tzinfo=timezone.utc) or .astimezone()"
        )
    return moment


def check_json(value: Any) -> Any:
    """Refuse what JSON cannot hold; the message gives the path inside the value.

    The value itself is returned, or where it holds numbers of numpy, a copy with Python's.
    """
    try:
        return _check_json(value)
    except RecursionError:
        raise Misfit("nested too deeply for JSON, or holding itself") from None


def _check_json(value: Any) -> Any:
    if isinstance(value, str):
        if reason := sendable(value):
            raise Misfit(f"{reason}: {describe(value)}")
        return plain(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict):
        return _check_dict(value)
    if isinstance(value, list | tuple):
        checked = [_inside(f"[{index}]", item) for index, item in enumerate(value)]
        return value if all(map(operator.is_, checked, value)) else checked
    value = plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _refuse(value)
    return value if isinstance(value, str | bool | int) else _refuse(value)


def _check_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    changed = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise Misfit(f"JSON keys are text, got {describe(key)}")
        if reason := sendable(key):
            raise Misfit(f"a key is {reason}: {describe(key)}")
        checked = _inside(f"[{key!r}]", item)
        if checked is not item:
            changed[key] = checked
    return {**value, **changed} if changed else value


def _inside(step: str, item: Any) -> Any:
    try:
        return _check_json(item)
    except Misfit as misfit:
        raise Misfit(misfit.said, step + misfit.path) from None


def _refuse(value: Any) -> Any:
    hint = "; write None for a missing value" if is_missing(value) else advice(value)
    raise Misfit(f"JSON cannot hold {describe(value)}{hint}")


def _accept_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(f"expected a dict, got {describe(value)}")
    checked: dict[str, Any] = check_json(value)
    return checked


def _enum_codec(kind: type[enum.Enum]) -> Codec:
    by_value = {member.value: member for member in kind}

    def load(value: Any) -> Any:
        if isinstance(value, str):
            return by_value.get(value) or kind._missing_(value) or value
        raise Misfit(f"expected one of {', '.join(by_value)}, got {describe(value)}")

    def accept(value: Any) -> Any:
        member = load(_accept_text(value) if isinstance(value, str) else value)
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
        if value.__class__ is not list:
            raise Misfit(f"expected a list, got {describe(value)}")
        return value

    def accept(value: Any) -> Any:
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
            raise Misfit(f"expected a list, got {describe(value)}")
        return [_taken(inner, each, step=f"[{index}]") for index, each in enumerate(value)]

    def opened(value: Any, session: Any) -> Any:
        return [open_value(inner, each, session=session) for each in value]

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
    inner = codec_of(item)

    def accept(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit(f"expected a dict, got {describe(value)}")
        # The wire takes other keys of a file than it sends, so objects are sent as they are given.
        held = check_json({key: None if isinstance(each, item) else each for key, each in value.items()})
        for key, each in value.items():
            if not isinstance(each, dict):
                _taken(inner, each, step=f"[{key!r}]")
        return {key: each if isinstance(each, item) else held[key] for key, each in value.items()}

    def opened(value: Any, session: Any) -> Any:
        return {key: open_value(inner, each, session=session) for key, each in value.items()}

    def like(sent: Any, held: Any) -> Likeness | None:
        if not isinstance(sent, dict) or not isinstance(held, dict):
            return like_json(sent, held)
        found = [inner.like(each, held[key]) for key, each in sent.items() if key in held]
        if Likeness.OTHER in found or (held and sent.keys() - held.keys()):
            return Likeness.OTHER
        told = [each for each in found if each is not None]
        if len(told) < len(sent):
            return None
        # A backend may add some.
        return min([*told, Likeness.SAME if sent.keys() == held.keys() else Likeness.POSSIBLE])

    return Codec(
        load=_exactly(dict, "a JSON object"),
        accept=accept,
        dump=lambda values: {key: dump_value(inner, each) for key, each in values.items()},
        lazy=True,
        exact=inner.exact,
        open=opened,
        kind=dict,
        like=like,
    )


def _value_codec(kind: type) -> Codec:
    """Codec of a value class; with `from_wire(raw, session)` and `to_wire()` it does its own.

    `beside(told)` completes it by what its row tells, where `told` gives a value of the row by its name. `unsent()`
    tells why a value that a user gives cannot be written, although one that was read may hold it, and `like(sent)` how
    like it is to a wire value that was sent.
    """
    from_wire = getattr(kind, "from_wire", None)
    to_wire: Callable[[Any], Any] = getattr(kind, "to_wire", CONVERTER.unstructure)
    unsent: Callable[[Any], str | None] | None = getattr(kind, "unsent", None)

    def opened(value: Any, session: Any) -> Any:
        try:
            return from_wire(value, session) if from_wire else CONVERTER.structure(value, kind)
        except Misfit as misfit:
            raise Misfit(f"{kind.__name__}: {misfit}") from None
        except Exception as error:
            if isinstance(error, MappingError) and not from_wire:
                raise Misfit(str(error)) from None  # what the class says of its own values
            raise Misfit(f"expected a {kind.__name__}, got {describe(value)}") from error

    def accept(value: Any) -> Any:
        if not isinstance(value, kind):
            if not from_wire and isinstance(value, dict):
                _check_names(kind, value)
            value = opened(value, None)
        if unsent and (reason := unsent(value)):
            raise Misfit(reason)
        check_json(to_wire(value))
        return value

    def dump(value: Any) -> Any:
        return copy_json(to_wire(value) if isinstance(value, kind) else value)

    def like(sent: Any, held: Any) -> Likeness | None:
        if sent is None or held is None:
            return like_json(sent, held) if sent is None else None
        try:
            shown = opened(held, None)
            if hasattr(kind, "like"):
                found: Likeness | None = shown.like(sent)
                return found
            return like_json(dump(opened(sent, None)), dump(shown))
        except Misfit:
            return None

    return Codec(
        load=lambda value: value,
        accept=accept,
        dump=dump,
        lazy=True,
        exact=False,
        open=opened,
        completed=getattr(kind, "beside", None),
        like=like,
    )


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
    """Give the Python value of a wire value that was kept as it came."""
    if raw is None:
        return None
    return codec.open(raw, session) if codec.open else codec.load(raw)


def dump_value(codec: Codec, value: Any) -> Any:
    """Give the wire value of a Python value."""
    return None if value is None else codec.dump(value)


CONVERTER = cattrs.Converter(detailed_validation=False, forbid_extra_keys=False, omit_if_default=True)
CONVERTER.register_structure_hook(bool, lambda value, _: _exactly(bool, "True or False")(value))
CONVERTER.register_structure_hook(int, lambda value, _: _integer(value))
CONVERTER.register_structure_hook(str, lambda value, _: _accept_text(value))

_OPEN_JSON = Codec(
    load=lambda value: value,
    accept=check_json,
    lazy=True,
    open=lambda value, session: copy_json(value),
    plain=True,
)
_OBJECT = Codec(
    load=_exactly(dict, "a JSON object"),
    accept=_accept_object,
    lazy=True,
    open=lambda value, session: copy_json(value),
    kind=dict,
    plain=True,
)
_SCALARS: dict[Any, Codec] = {
    int: Codec(_exactly(int, "an integer"), _integer, kind=int),
    bool: Codec(_exactly(bool, "true or false"), _exactly(bool, "True or False"), kind=bool),
    str: Codec(_exactly(str, "text"), _accept_text, kind=str),
    float: Codec(_number, _number),
    datetime: Codec(
        _load_moment,
        _accept_moment,
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
    """Codec of text that has one form."""
    load = _exactly(str, "text")
    return Codec(lambda value: form(load(value)), lambda value: form(_accept_text(value)), exact=False)


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
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_codec(kind)
    elif origin is list:
        return _list_codec(arguments[0])
    elif origin is dict:
        return _OBJECT if arguments[1] is Any else _map_codec(arguments[1])
    elif attrs.has(kind) or hasattr(kind, "from_wire"):
        return _value_codec(kind)
    raise TypeError(f"no codec for {annotation!r}; declare the field with one of the documented types")
