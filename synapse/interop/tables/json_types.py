"""Types of Arrow that JSON is to have: what texts are held against, and the arrays that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from types import GenericAlias
from typing import Annotated, Any, Final, Self

import attrs

from synapse.errors import describe, quoted

_NEVER_IN_NAMES: Final = frozenset(('"', "\\", *map(chr, range(32))))


@attrs.frozen(eq=False)
class JsonType:
    """A type of Arrow that JSON is to have, and how texts are held against it."""

    arrow: Any
    check: Callable[[bytes], object]
    """Raises `ValueError` for a text that does not fit."""
    _read: Callable[[bytes], Any]

    @classmethod
    def of(cls, kind: Any) -> Self:
        """Take a type of pyarrow, or raise `ValueError`."""
        import msgspec
        import pyarrow

        if not isinstance(kind, pyarrow.DataType):
            raise ValueError(f"expected a type of pyarrow, got {describe(kind)}")
        one = _annotation(kind)
        many = GenericAlias(list, (one | None,))
        return cls(kind, msgspec.json.Decoder(one).decode, msgspec.json.Decoder(many).decode)

    def array(self, values: bytes) -> Any:
        """Build the array of a JSON list of values that were checked."""
        import msgspec
        import pyarrow

        return pyarrow.array(msgspec.to_builtins(self._read(values)), self.arrow)


def _annotation(kind: Any) -> Any:
    """Give what msgspec holds JSON against for a type of pyarrow."""
    from pyarrow import types

    if types.is_struct(kind):
        return _struct([kind.field(place) for place in range(kind.num_fields)])
    if types.is_list(kind) or types.is_large_list(kind):
        return GenericAlias(list, (_annotation(kind.value_type) | None,))
    if types.is_map(kind) and _is_text(kind.key_type):
        return GenericAlias(dict, (str, _annotation(kind.item_type) | None))
    if types.is_integer(kind) and str(kind) != "uint64":
        return _integer(kind.bit_width, is_signed=types.is_signed_integer(kind))
    if types.is_float32(kind) or types.is_float64(kind):
        return float
    plain = {types.is_boolean: bool, _is_text: str, types.is_null: type(None)}
    for is_it, made in plain.items():
        if is_it(kind):
            return made
    raise ValueError(
        f"JSON is never {kind}; take struct, list, map of strings, string, bool, int8 to int64, uint8 to uint32, "
        "float or double"
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _integer(bits: int, *, is_signed: bool) -> Any:
    import msgspec

    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    return Annotated[int, msgspec.Meta(ge=low, le=high)]


def _struct(fields: list[Any]) -> Any:
    """Make a class that takes these keys and no other; one that may be missing is null then."""
    import msgspec

    names = [field.name for field in fields]
    if not names or len(set(names)) < len(names):
        raise ValueError("a struct needs fields, each of a name of its own")
    if odd := next((name for name in names if set(name) & _NEVER_IN_NAMES), None):
        raise ValueError(
            f"no struct can be made of objects with the key {quoted(odd)}: msgspec takes no quote, backslash or "
            "control character in one"
        )
    made: list[Any] = []
    for place, field in enumerate(fields):
        kind = _annotation(field.type)
        made.append((f"_{place}", kind | None, None) if field.nullable else (f"_{place}", kind))
    renamed = {f"_{place}": name for place, name in enumerate(names)}
    return msgspec.defstruct(
        "Object", made, rename=renamed, kw_only=True, forbid_unknown_fields=True, gc=False
    )
