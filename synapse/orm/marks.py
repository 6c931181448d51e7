"""The row that was handed out last, told by what the result is ordered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.orm import parts
from synapse.orm.checkpoint import unreadable
from synapse.query import Query
from synapse.query.kinds import LARGEST

if TYPE_CHECKING:
    from synapse.dialects import Table


class Mark:
    """Tells the rows that were handed out, up to a certain one, from those that were not; false where there is none."""

    def __init__(self, table: Table, query: Query, *, values: list[Any] | None = None) -> None:
        self._table = table
        self._order = [(name.lstrip("-"), name.startswith("-")) for name in query.order]
        self._places = None if values is None else self._read(values)

    def _read(self, values: list[Any]) -> list[Any]:
        named = dict(zip((field for field, _ in self._order), values, strict=False))
        key = named.get(self._table.schema.pk)
        if len(values) != len(self._order) or not self._tell(key, values):
            raise unreadable()
        return self._placed(values)

    def __bool__(self) -> bool:
        return self._places is not None

    def of(self, row: Any) -> dict[str, Any]:
        """Give what to keep of a row, so that it can be told again."""
        return {"last": self._values(row)} if self.places(row) else {}

    def places(self, row: Any) -> bool:
        """Whether a row tells its place: it has a key, and what the result is ordered by fits its field."""
        return self._tell(self._table.key(row), self._values(row))

    def covers(self, row: Any) -> bool:
        """Whether a row was handed out: it is the marked one, or comes before it. One without a place tells nothing."""
        if self._places is None or not self.places(row):
            return False
        own_places = self._placed(self._values(row))
        for (_, down), own, marked in zip(self._order, own_places, self._places, strict=True):
            if own != marked:
                return bool(own > marked if down else own < marked)
        return True

    def _values(self, row: Any) -> list[Any]:
        return [self._table.value(row, field) for field, _ in self._order]

    def _tell(self, key: Any, values: list[Any]) -> bool:
        if type(key) not in (int, str) or (isinstance(key, int) and abs(key) > LARGEST):
            return False
        fields = zip(self._order, values, strict=True)
        return all(parts.has_place(self._table, value, field=field) for (field, _), value in fields)

    def _placed(self, values: list[Any]) -> list[Any]:
        fields = zip(self._order, values, strict=True)
        return [parts.place_of(self._table, value, field=field) for (field, _), value in fields]
