"""The row that was handed out last, told by what the result is ordered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.dialects import V1
from synapse.orm import parts
from synapse.orm.checkpoint import unreadable
from synapse.orm.pages import keys_of
from synapse.query import Query
from synapse.query.kinds import LARGEST

if TYPE_CHECKING:
    from synapse.orm.entity import Entity


class Mark:
    """Tells the rows that were handed out, up to a certain one, from those that were not; false where there is none."""

    def __init__(
        self, cls: type[Entity], query: Query, *, dialect: V1, values: list[Any] | None = None
    ) -> None:
        names = dialect.names(cls._schema)
        self._cls, self._wire = cls, dialect.pk(cls._schema)
        self._order = [
            (name.lstrip("-"), names[name.lstrip("-")], name.startswith("-")) for name in query.order
        ]
        self._places = None if values is None else self._read(values)

    def _read(self, values: list[Any]) -> list[Any]:
        row = dict(zip(self._wires, values, strict=False))
        if len(values) != len(self._order) or not self.places(row):
            raise unreadable()
        return self._placed(row)

    @property
    def _wires(self) -> list[str]:
        return [wire for _, wire, _ in self._order]

    def __bool__(self) -> bool:
        return self._places is not None

    def of(self, row: Any) -> dict[str, Any]:
        """Give what to keep of a row, so that it can be told again."""
        if self.places(row):
            return {"last": [row[wire] for wire in self._wires]}
        return {}

    def places(self, row: Any) -> bool:
        """Whether a row tells its place: it has a key, and what the result is ordered by fits its field."""
        (key,) = keys_of(self._cls, [row], wire=self._wire)
        if key is None or (isinstance(key, int) and abs(key) > LARGEST):
            return False
        return all(parts.has_place(self._cls, row, field=field, wire=wire) for field, wire, _ in self._order)

    def covers(self, row: Any) -> bool:
        """Whether a row was handed out: it is the marked one, or comes before it. One without a place tells nothing."""
        if self._places is None or not self.places(row):
            return False
        for (_, _, down), own, marked in zip(self._order, self._placed(row), self._places, strict=True):
            if own != marked:
                return bool(own > marked if down else own < marked)
        return True

    def _placed(self, row: Any) -> list[Any]:
        return [parts.place_of(self._cls, row, field=field, wire=wire) for field, wire, _ in self._order]
