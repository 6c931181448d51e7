"""Rows as plain values: dicts, tuples or single fields."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias, TypeVar, cast, overload

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import TabularTwins, ValuesTwins
from synapse.errors import QueryError
from synapse.mapping.json import as_json, detached
from synapse.mapping.unset import UNSET, Unset
from synapse.optional import optional
from synapse.orm import arguments, hints
from synapse.orm.fixed import FixedList
from synapse.orm.record import FieldPath, has, schema_of
from synapse.orm.selection import Selection, walked
from synapse.query import FetchMode
from synapse.showing import shortened

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

    from synapse.interop.dataset_types import HuggingFaceDataset, RayDataset
    from synapse.interop.tables.table import ArrowTable, Batches, TableReport
    from synapse.interop.torch_rows import TorchRows
    from synapse.reading.explain import Explanation
    from synapse.reading.plan import PlanName
    from synapse.reading.rows import OnBadRow, Rows
    from synapse.session import Session
    from synapse.transfer import ProgressLike

R = TypeVar("R")
Shape = Literal["dict", "tuple", "named", "flat"]
JsonAs: TypeAlias = Literal["text", "struct"] | Mapping[str, Any]
"""How JSON is given in a table: as text, as structs of what the rows hold, or by the types of pyarrow for columns."""


def shape_of(*, flat: bool, named: bool) -> Shape:
    """Choose the shape that `values_list()` was asked for."""
    if flat and named:
        raise QueryError("values_list() takes flat=True or named=True, not both")
    return "flat" if flat else "named" if named else "tuple"


def selected_by(values: Values[Any]) -> tuple[Selection[Any], tuple[str, ...]]:
    """Give the query behind values, and the fields that were named."""
    return values._queryset, values._fields


def columns_of(values: Values[Any], rows: list[Any]) -> tuple[list[str], list[list[Any]]]:
    """Give the names of the columns, and each row as the list of its values."""
    if values._shape == "flat":
        return list(values._fields), [[row] for row in rows]
    if values._shape == "dict":
        return list(rows[0] if rows else values._fields), [list(row.values()) for row in rows]
    return list(values._fields), [list(row) for row in rows]


def _builder(shape: Shape, names: list[str]) -> Callable[[list[Any]], Any]:
    """Give what makes a row's value of those of its fields."""
    if shape == "dict":
        return lambda held: dict(zip(names, held, strict=True))
    if shape == "named":
        made: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # only the caller knows the fields
        return cast("Callable[[list[Any]], Any]", made._make)
    return tuple if shape == "tuple" else itemgetter(0)


def narrowed_to(queryset: Selection[Any], names: Iterable[str]) -> Selection[Any]:
    """Ask for these fields only, and for the keys that paths start from."""
    schema = schema_of(queryset.entity)
    paths = [(name, FieldPath.of(schema, name)) for name in arguments.texts("a choice of fields", names)]
    own = [path.relations[0] if path.relations else name for name, path in paths]
    # A field that is asked for by its name is no surprise, whatever the fetch mode.
    return queryset.only(*own).fetch_mode(FetchMode.PEERS)


class Tabular(TabularTwins):
    """What becomes a table of Arrow: a query, or the values of one. The libraries come with the extras that are named.

    Columns have the types of the fields, whatever the rows hold; JSON is text. Fields that are secret, or that the
    backend never returns, are left out. `columns` chooses fields, also of related objects: `"project__title"`.
    `on_bad_row="skip"` leaves out rows that do not fit, and logs a warning. `json="struct"` makes structs of JSON,
    which hold what any row has; `json={"meta": pyarrow.struct(…)}` says what they hold, also where rows stream.
    """

    @optional
    def __arrow_c_schema__(self) -> object:
        raise NotImplementedError

    @optional
    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise NotImplementedError

    @sends
    @optional
    def to_arrow(
        self,
        *,
        columns: Iterable[str] | None = None,
        json: JsonAs = "text",
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> ArrowTable:
        """Read every row into a table of Arrow, which pyarrow, pandas, Polars and DuckDB take: `pa.table(table)`.

        They take the query itself as well, as `pl.DataFrame(query)`; the rows are then read once, and kept with it.
        Needs the extra `arrow`.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_pandas(
        self,
        *,
        columns: Iterable[str] | None = None,
        categories: bool = False,
        json: JsonAs = "text",
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> pandas.DataFrame:
        """Read every row into a pandas frame, which `pandas.DataFrame(query)` doesn't: that asks for no table.

        Integers that may be missing are `Int64`, truth values `boolean`; with `categories=True` enumerations are
        categories. Needs the extra `pandas`.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_polars(
        self,
        *,
        columns: Iterable[str] | None = None,
        categories: bool = False,
        json: JsonAs = "text",
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> polars.DataFrame:
        """Read every row into a Polars frame, with JSON as plain strings. Needs the extra `arrow`, and Polars."""
        raise NotImplementedError

    @sends
    @optional
    def to_duckdb(
        self,
        con: duckdb.DuckDBPyConnection,
        *,
        name: str,
        columns: Iterable[str] | None = None,
        json: JsonAs = "text",
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> duckdb.DuckDBPyRelation:
        """Make a table of this name in DuckDB, and return it; it appears when every row was read.

        Needs the extra `arrow`, and DuckDB.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_parquet(
        self,
        path: str | PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        json: JsonAs = "text",
        resume: bool = False,
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> TableReport:
        """Write a Parquet file, in the memory of a batch; it appears under its name, or replaces one, when it is whole.

        With `resume=True`, *path* is a folder of numbered files of up to 100,000 rows, each with a checkpoint: a run
        that ended early, even killed, goes on when it is started again, and rows that were added since come with
        another run. Addresses of files are left out, since they are signed and expire. Needs the extra `parquet`.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_csv(
        self,
        path: str | PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> TableReport:
        """Write a CSV file; it appears under its name, or replaces one, when it is whole. JSON and lists are JSON text.

        Addresses of files are left out. Needs no extra.
        """
        raise NotImplementedError

    @sends(streams=True)
    @optional
    def batches(
        self,
        *,
        size: int = 16_384,
        columns: Iterable[str] | None = None,
        json: JsonAs = "text",
        checkpoint: str | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Batches:
        """Stream record batches of up to *size* rows, or of about 4 MB of JSON, each with its `checkpoint`.

        Libraries take each of them: `pa.record_batch(batch)`. *checkpoint* goes on behind the batch that has it.
        A bad row raises `MappingError` when its turn comes; call `next()` again to continue after it. Needs the
        extra `arrow`.
        """
        raise NotImplementedError

    # --- clusters and training ------------------------------------------------
    @sends
    @optional
    def to_ray(
        self, *, shards: int = 16, columns: Iterable[str] | None = None, on_bad_row: OnBadRow = "raise"
    ) -> RayDataset:
        """Make a dataset of Ray Data, cut into shards now and read by the workers, with JSON as plain strings.

        `select_columns()` and `limit()` ask the backend for less. Workers take their credentials from their own
        environment or profile. Rows come when Ray asks for them, and Ray's own bars show the progress. Needs the extra
        `ray`.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_torch(
        self,
        *,
        columns: Iterable[str] | None = None,
        files: str | Iterable[str] = (),
        transform: Callable[[dict[str, Any]], Any] | None = None,
        cache: str | PathLike[str] | None = None,
        shards: int = 64,
        shuffle_shards: bool = False,
        seed: int = 0,
        on_bad_row: OnBadRow = "raise",
    ) -> TorchRows:
        """Make an `IterableDataset` of dicts, or of what `transform` makes of them, each row once an epoch.

        The query is cut into shards now, which the workers of a `DataLoader` share, and those of all ranks.
        `files` names file specifications, whose contents come as bytes by these names; `cache` is a folder that keeps
        them. `shuffle_shards=True` shuffles the shards, and not the rows in them, by `seed` and `set_epoch()`.
        `state_dict()` and `load_state_dict()` go on behind the last row. Rows come as the loop asks for them, which
        shows its own progress: `tqdm(DataLoader(rows))`. Needs PyTorch.
        """
        raise NotImplementedError

    @sends
    @optional
    def to_huggingface(
        self,
        *,
        streaming: bool = True,
        shards: int = 16,
        columns: Iterable[str] | None = None,
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> HuggingFaceDataset:
        """Make a dataset of Hugging Face, read as it is used, or with `streaming=False` read into memory now.

        JSON is plain strings. *progress* is for `streaming=False` only. Needs the extra `parquet`, and the library
        `datasets`.
        """
        raise NotImplementedError


class Values(ValuesTwins[R], Tabular, Generic[R]):
    """A lazy sequence of plain values, one for each row of a query; changing a value changes no row."""

    _json = False  # pickles of 0.1.0 do not say

    def __init__(
        self, queryset: Selection[Any], fields: tuple[str, ...], *, shape: Shape, json: bool = False
    ) -> None:
        self._queryset = queryset
        self._fields = fields
        self._shape: Shape = shape
        self._json = json

    @classmethod
    def of(
        cls, queryset: Selection[Any], fields: tuple[str, ...], *, shape: Shape, json: bool = False
    ) -> Values[R]:
        """Fetch only the named fields; without names, all fields that the rows contain."""
        if shape == "flat" and len(fields) != 1:
            raise QueryError("values_list(flat=True) takes exactly one field")
        # A field that is asked for by its name is no surprise, whatever the fetch mode.
        asked = narrowed_to(queryset, fields) if fields else queryset
        return cls(asked, fields, shape=shape, json=json)

    def _convert(self, *, kept: bool = True) -> Callable[[Any], R]:
        """Give what turns a row into its value, with copies of what a row that is *kept* holds."""
        schema, copied = schema_of(self._queryset.entity), self._copier(kept=kept)
        names, fields = list(self._fields), [FieldPath.of(schema, name) for name in self._fields]
        build = _builder(self._shape, names)

        def convert(row: Any) -> Any:
            nonlocal build
            if not fields:
                # The first row speaks for all, so that every one has the same fields.
                names.extend(name for name in schema.fields if has(row, name))
                fields.extend(FieldPath.of(schema, name) for name in names)
                build = _builder(self._shape, names)
            return build([copied(field.read(row)) for field in fields])

        return convert

    def _copier(self, *, kept: bool) -> Callable[[Any], Any]:
        if self._json:
            return as_json
        return detached if kept else lambda value: detached(value) if value.__class__ is FixedList else value

    def _with(self, queryset: Selection[Any]) -> Self:
        return type(self)(queryset, self._fields, shape=self._shape, json=self._json)

    # --- narrowing ----------------------------------------------------------
    def all(self) -> Self:
        """Return a copy that reads the backend again."""
        return self._with(self._queryset.all())

    def none(self) -> Self:
        """Give values of a query that is empty and sends nothing."""
        return self._with(self._queryset.none())

    def filter(self, *refused: object, **lookups: Any) -> Self:
        """Keep the rows that meet every lookup."""
        return self._with(self._queryset.filter(*refused, **lookups))

    def exclude(self, *refused: object, **lookups: Any) -> Self:
        """Drop the rows that meet the lookup."""
        return self._with(self._queryset.exclude(*refused, **lookups))

    def params(self, **raw: str | int) -> Self:
        """Send raw query parameters, unchecked."""
        return self._with(self._queryset.params(**raw))

    def order_by(self, *names: str) -> Self:
        """Order the rows."""
        return self._with(self._queryset.order_by(*names))

    def reverse(self) -> Self:
        """Reverse the order."""
        return self._with(self._queryset.reverse())

    def using(self, session: Session) -> Self:
        """Use this session instead of the current one."""
        return self._with(self._queryset.using(session))

    def values(self, *fields: str, json: bool = False) -> Values[dict[str, Any]]:
        """Give dicts of these fields instead, or of all."""
        return Values.of(self._rows(), fields, shape="dict", json=json)

    @overload
    def values_list(self, field: str, /, *, flat: Literal[True], json: bool = ...) -> Values[Any]: ...
    @overload
    def values_list(self, *fields: str, named: bool = ..., json: bool = ...) -> Values[tuple[Any, ...]]: ...
    def values_list(
        self, *fields: str, flat: bool = False, named: bool = False, json: bool = False
    ) -> Values[Any]:
        """Give tuples of these fields instead; with `flat=True` and one field, its bare values."""
        return Values.of(self._rows(), fields, shape=shape_of(flat=flat, named=named), json=json)

    def _rows(self) -> Selection[Any]:
        return self._queryset.only() if self._fields else self._queryset

    # --- reading ------------------------------------------------------------
    @sends
    def get(self, pk: Any = UNSET, /, **lookups: Any) -> R:
        """Give the value of the one row that matches, or raise the entity's `DoesNotExist`."""
        return self._convert()(self._queryset.get(pk, **lookups))

    @sends
    def first(self) -> R | None:
        """Give the first value, or None."""
        row = self._queryset.first()
        return None if row is None else self._convert()(row)

    @sends
    def last(self) -> R | None:
        """Give the last value, or None."""
        row = self._queryset.last()
        return None if row is None else self._convert()(row)

    @sends
    def count(self) -> int:
        """Count the rows, with one request."""
        return self._queryset.count()

    @sends
    def exists(self) -> bool:
        """Tell whether there is any row."""
        return self._queryset.exists()

    @sends
    def in_bulk(self, keys: Iterable[Any] | Unset = UNSET) -> dict[Any, R]:
        """Return the values with these keys, or all, as a dict by key; keys that do not exist are left out."""
        convert = self._convert()
        return {key: convert(row) for key, row in self._queryset.in_bulk(keys).items()}

    def explain(self, *, plan: PlanName | None = None) -> Explanation:
        """Show the plan and the HTTP requests that iterating would make."""
        return self._queryset.explain(plan=plan)

    @sends(streams=True)
    def iterator(
        self,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        plan: PlanName | None = None,
        on_bad_row: OnBadRow = "raise",
        chunk_size: None = None,
    ) -> Rows[R]:
        """Stream the values without keeping them."""
        rows = self._queryset.iterator(
            page_size=page_size, workers=workers, plan=plan, on_bad_row=on_bad_row, chunk_size=chunk_size
        )
        return rows.converted(self._convert(kept=False))

    @sends(streams=True)
    def resume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Rows[R]:
        """Stream the values after a checkpoint of this query."""
        rows = self._queryset.resume(checkpoint, page_size=page_size, workers=workers, on_bad_row=on_bad_row)
        return rows.converted(self._convert(kept=False))

    @sends
    def shards(self, number: int, /) -> list[Self]:
        """Split into *number* parts that together give the same rows, each row once."""
        return [self._with(each) for each in self._queryset.shards(number)]

    # --- Python's own -------------------------------------------------------
    def __iter__(self) -> Iterator[R]:
        return map(self._convert(), self._queryset)

    def __aiter__(self) -> AsyncIterator[R]:
        return walked(self._queryset, self._convert())

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

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    if not TYPE_CHECKING:  # type checkers would take any name as declared

        def __getattr__(self, name: str) -> Any:
            raise hints.missing(name, "values()", known=type(self))

    def __repr__(self) -> str:
        fields = f"{', '.join(self._fields)} " if self._fields else ""
        asked = repr(self._queryset).partition("\n")[0]
        return shortened(f"<Values {fields}of {asked}>")
