"""Rows as plain values: dicts, tuples or single fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, overload

from synapse.orm import loading

if TYPE_CHECKING:
    from synapse.orm.explain import Explanation
    from synapse.orm.planning import PlanName
    from synapse.orm.queryset import QuerySet
    from synapse.orm.rows import OnBadRow, Rows

R = TypeVar("R")
Shape = Literal["dict", "tuple", "flat"]


class Values(Generic[R]):
    """A lazy sequence of plain values, one for each row of a query."""

    def __init__(self, queryset: QuerySet[Any], fields: tuple[str, ...], *, shape: Shape) -> None:
        self._queryset = queryset
        self._fields = fields
        self._shape: Shape = shape

    @classmethod
    def of(cls, queryset: QuerySet[Any], fields: tuple[str, ...], *, shape: Shape) -> Values[R]:
        """Fetch only the named fields; without names, what the rows carry."""
        return cls(queryset.only(*fields) if fields else queryset, fields, shape=shape)

    def _convert(self) -> Callable[[Any], R]:
        schema = self._queryset.entity._schema
        named = [(name, schema.relations.get(name, name)) for name in self._fields]

        def convert(row: Any) -> Any:
            if not named:
                # The first row speaks for all, so that every one has the same fields.
                named.extend((name, name) for name in schema.fields if loading.has(row, name))
            if self._shape == "dict":
                return {name: getattr(row, field) for name, field in named}
            if self._shape == "tuple":
                return tuple(getattr(row, field) for _, field in named)
            return getattr(row, named[0][1])

        return convert

    def _with(self, queryset: QuerySet[Any]) -> Self:
        return type(self)(queryset, self._fields, shape=self._shape)

    def filter(self, **lookups: Any) -> Self:
        """Keep the rows that meet every lookup."""
        return self._with(self._queryset.filter(**lookups))

    def exclude(self, **lookups: Any) -> Self:
        """Drop the rows that meet the lookup."""
        return self._with(self._queryset.exclude(**lookups))

    def order_by(self, *names: str) -> Self:
        """Order the rows."""
        return self._with(self._queryset.order_by(*names))

    def reverse(self) -> Self:
        """Turn the order around."""
        return self._with(self._queryset.reverse())

    def first(self) -> R | None:
        """Give the first value, or None."""
        row = self._queryset.first()
        return None if row is None else self._convert()(row)

    def last(self) -> R | None:
        """Give the last value, or None."""
        row = self._queryset.last()
        return None if row is None else self._convert()(row)

    def count(self) -> int:
        """Count the rows, with one request."""
        return self._queryset.count()

    def exists(self) -> bool:
        """Tell whether there is any row."""
        return self._queryset.exists()

    def explain(self, *, plan: PlanName | None = None) -> Explanation:
        """Show the plan and the HTTP requests that iterating would make."""
        return self._queryset.explain(plan=plan)

    def iterator(
        self,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        plan: PlanName | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Rows[R]:
        """Stream the values without keeping them."""
        rows = self._queryset.iterator(page_size=page_size, workers=workers, plan=plan, on_bad_row=on_bad_row)
        return rows.converted(self._convert())

    def resume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Rows[R]:
        """Stream the values behind a checkpoint of this query."""
        rows = self._queryset.resume(checkpoint, page_size=page_size, workers=workers, on_bad_row=on_bad_row)
        return rows.converted(self._convert())

    def __iter__(self) -> Iterator[R]:
        return map(self._convert(), self._queryset)

    def __len__(self) -> int:
        return len(self._queryset)

    def __bool__(self) -> bool:
        return bool(self._queryset)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Self | list[R]: ...
    def __getitem__(self, index: int | slice) -> R | Self | list[R]:
        if isinstance(index, slice) and index.step is None:
            return self._with(self._queryset[index])
        convert = self._convert()
        if isinstance(index, slice):
            return [convert(row) for row in self._queryset[index]]
        return convert(self._queryset[index])

    def __repr__(self) -> str:
        return f"<Values {', '.join(self._fields)}{' ' if self._fields else ''}of {self._queryset!r}>"
