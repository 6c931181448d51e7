"""Pages of rows as columns of Python values, with JSON as the text that it came in."""

from __future__ import annotations

import importlib

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import accumulate, chain, groupby, islice
from types import GenericAlias
from typing import Any, Final

import attrs

from synapse.dialects import Table
from synapse.downloads import RemoteFile
from synapse.errors import MappingError, NotFoundError
from synapse.interop.tables.columns import Column, TableSource
from synapse.mapping.codecs import Codec
from synapse.mapping.json import JsonText, as_json, readable, unseal
from synapse.mapping.page_columns import OddPageError
from synapse.mapping.unset import UNSET
from synapse.orm import loading, results
from synapse.orm.record import Record, has, peek, put, reference, state_of
from synapse.query.kinds import LARGEST
from synapse.reading.route import Window
from synapse.session.process import undisturbed

_ABSENT: Final = {type(UNSET)}
_NONE: Final = type(None)
_FIRST: Final[dict[type | None, frozenset[int]]] = {dict: frozenset(b"{"), list: frozenset(b"[")}
FILE_FACTS: Final = ("name", "url", "file_type", "is_primary", "size", "checksum")
_SIZE: Final = FILE_FACTS.index("size")

Values = Any
"""The values of one column: a list, or of JSON a `JsonColumn`."""
_JSON: Final = ("json", "extra")


class JsonColumn:
    """JSON texts one after another, None among them: thousands of small texts would tear memory to pieces."""

    __slots__ = ("data", "lengths")

    def __init__(self, texts: Iterable[Any] = ()) -> None:
        texts = list(texts)
        self.data = b"".join([text for text in texts if text is not None])
        self.lengths = [None if text is None else len(text) for text in texts]

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[bytes | None]:
        start = 0
        for length in self.lengths:
            yield None if length is None else bytes(self.data[start : start + length])
            start += length or 0

    def __iadd__(self, other: JsonColumn | Iterable[bytes | None]) -> JsonColumn:
        other = other if isinstance(other, JsonColumn) else JsonColumn(other)
        self.data += other.data
        self.lengths += other.lengths
        return self

    def __getitem__(self, place: slice) -> JsonColumn:
        low, high = (sum(filter(None, self.lengths[:end])) for end in (place.start, place.stop))
        made = JsonColumn()
        made.data, made.lengths = self.data[low:high], self.lengths[place]
        return made

    def first_bytes(self) -> set[int]:
        """Give the bytes that texts begin with, which tell objects from lists."""
        starts = accumulate(map(int, filter(None, self.lengths)), initial=0)
        return {self.data[start] for start in islice(starts, len(self) - self.lengths.count(None))}


class Page:
    """The rows of a page that fit, as columns; batches take them off in order."""

    __slots__ = ("_taken", "columns", "count", "left", "size")

    def __init__(self, columns: list[Values], count: int) -> None:
        self.columns, self._taken = columns, 0
        self.count = self.left = count
        self.size = sum(len(column.data) for column in columns if isinstance(column, JsonColumn))

    def take(self, count: int) -> list[Values]:
        """Give the next rows."""
        start, self._taken = self._taken, self._taken + count
        if count == self.count:
            return self.columns
        return [column[start : start + count] for column in self.columns]


@attrs.frozen(eq=False)
class PageReader:
    """Makes columns of the pages of one query: in one go, or where anything looks odd row by row."""

    source: TableSource
    table: Table
    own: list[tuple[int, Column]] = attrs.field(init=False)
    foreign: list[tuple[int, Column]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        placed = list(enumerate(self.source.columns))
        object.__setattr__(self, "own", [each for each in placed if not each[1].relations])
        object.__setattr__(self, "foreign", [each for each in placed if each[1].relations])

    def load(self, window: Window) -> list[Page | MappingError]:
        """Give the page of each row, or the row's error."""
        rows, bad = window.rows, dict[int, MappingError]()
        columns: list[Values] = [[]] * len(self.source.columns)
        try:
            # The collector would visit every text again and again while they are copied.
            with undisturbed():
                found = self._in_one_go(rows, [column for _, column in self.own])
        except (OddPageError, ValueError):
            found = self._row_by_row(window, bad)
        for (place, _), values in zip(self.own, found, strict=True):
            columns[place] = values
        if self.foreign:
            self._add_related(window, columns, bad)
        if not bad:
            return [Page(columns, len(rows))] * len(rows)
        made: list[Page | MappingError] = []
        # Between bad rows are pages of their own, so that each ends where its rows were handed out.
        for is_bad, places in groupby(range(len(rows)), bad.__contains__):
            run = list(places)
            part = Page([column[run[0] : run[-1] + 1] for column in columns], len(run))
            made += [bad[place] for place in run] if is_bad else [part] * len(run)
        return made

    # --- in one go ----------------------------------------------------------
    def _in_one_go(self, rows: Sequence[Any], wanted: Sequence[Column]) -> list[Values]:
        made: list[Any] = [JsonColumn() if column.kind in _JSON else [] for column in wanted]
        # Rows are of another class once a page had keys that were new.
        for _, some in groupby(rows, type):
            columns = self.table.columns(list(some), copied=False)
            if columns is None:
                raise OddPageError
            for values, column in zip(made, wanted, strict=True):
                values += self._extra(columns) if column.kind == "extra" else self._converted(columns, column)
        return made

    def _converted(self, columns: Mapping[str, Sequence[Any]], column: Column) -> Values:
        assert column.path is not None
        values, codec = columns[self.table.names[column.field]], column.path.field.codec
        kinds = set(map(type, values))
        if kinds == _ABSENT and not self.source.named:
            return [None] * len(values)
        # What a field holds as JSON is text already, or absent.
        expected = _WIRE.get(column.kind)
        odd = not kinds <= expected if expected else not kinds.isdisjoint(_ABSENT)
        if odd or (column.is_key and _NONE in kinds):
            raise OddPageError
        return _READ[column.kind](values, codec, column)

    def _extra(self, columns: Mapping[str, Sequence[Any]]) -> Values:
        known = set(self.table.names.values())
        names = sorted(name for name in columns if name not in known)
        keys = [readable(name) for name in names]
        if not names:
            return [None] * len(columns[self.table.pk])
        rows = zip(*(columns[name] for name in names), strict=True)
        return [_joined(zip(keys, row, strict=True)) for row in rows]

    # --- row by row ---------------------------------------------------------
    def _row_by_row(self, window: Window, bad: dict[int, MappingError]) -> list[Values]:
        """Read a page by its objects, which say what is wrong with a row; the texts of good rows stay as they came."""
        selection, wanted = self.source.selection, [column for _, column in self.own]
        page = loading.load_page(
            selection.entity,
            window.rows,
            session=selection.session,
            first=window.first,
            query=selection.query,
            bad=bad,
        )
        made: list[Values] = []
        objects = iter(page)
        for place, row in enumerate(window.rows):
            values: Values = [None] * len(wanted)
            if place not in bad:
                one = next(objects)
                try:
                    values = self._row(row, one, wanted)
                except MappingError as error:
                    bad[place] = _of_row(error, window.first + place + 1, key=one.pk)
            made.append(values)
        held = zip(*made, strict=True) if made else ([] for _ in wanted)
        return [
            JsonColumn(values) if column.kind in _JSON else list(values)
            for column, values in zip(wanted, held, strict=True)
        ]

    def _row(self, row: Any, one: Record, wanted: Sequence[Column]) -> Values:
        try:
            return [value for (value,) in self._in_one_go([row], wanted)]
        except (OddPageError, ValueError):
            return [value_of(one, column, loaded=self.source.named) for column in wanted]

    # --- related ------------------------------------------------------------
    def _add_related(self, window: Window, columns: list[Values], bad: dict[int, MappingError]) -> None:
        """Add the fields of related objects, which are loaded for all rows at once, each once."""
        first: dict[str, dict[Any, Any]] = {}
        schema = self.table.schema
        keys = self.table.keys(window.rows)
        for place, column in self.foreign:
            via = schema.to_one[column.relations[0]].via
            linked = self._links(window.rows, via)
            if via not in first:
                owners = {link: key for link, key in zip(linked, keys, strict=True) if link is not None}
                first[via] = {link: self._owner(key, via, link) for link, key in owners.items()}
            read = self._read_related(list(first[via].values()), via, column)
            values = [None if link is None else read[link] for link in linked]
            for row, value in enumerate(values):
                if isinstance(value, Exception):
                    # A row of two bad columns is told once.
                    bad.setdefault(row, _of_row(value, window.first + row + 1, key=keys[row]))
                    values[row] = None
            columns[place] = JsonColumn(values) if column.kind == "json" else values

    def _links(self, rows: Sequence[Any], via: str) -> Values:
        found = [self.table.value(row, via) for row in rows]
        return [key if type(key) in (int, str) else None for key in found]

    def _owner(self, key: Any, via: str, link: Any) -> Record:
        selection = self.source.selection
        made: Record = reference(selection.entity, key, session=selection.session)
        put(made, via, value=link)
        return made

    def _read_related(self, owners: list[Record], via: str, column: Column) -> dict[Any, Any]:
        # What does not fit is told below, of the rows that lead there.
        with suppress(MappingError):
            results.prefetch(owners, "__".join(column.relations))
        found = {}
        for owner in owners:
            one: Any = owner
            try:
                for relation in column.relations:
                    one = None if one is None else getattr(one, relation)
                value = None if one is None else value_of(one, column)
            except (MappingError, NotFoundError) as error:
                value = error
            found[peek(owner, via)] = value
        return found


def _of_row(error: Exception, number: int, *, key: Any) -> MappingError:
    made = MappingError(f"row {number}: {error}")
    made.row, made.key, made.__cause__ = number, key, error
    return made


def value_of(one: Any, column: Column, *, loaded: bool = True) -> Any:
    """Read the value of a column off an object; one that is not here is loaded, or None."""
    if column.kind == "extra":
        extra = state_of(one).extra
        return readable(dict(sorted(extra.items()))) if extra else None
    name = column.field
    if not has(one, name) and not loaded:
        return None
    if column.kind == "json":
        return _fitting(_json_of(one, name), column, of=one)
    value = getattr(one, name)
    if value is None:
        return None
    for number in _numbers(value, column):
        if not _fits(number):
            raise MappingError(
                f"{type(one).__name__}.{name}: {number} is beyond 64 bits, which no table holds"
            )
    if column.kind == "list":
        return list(value)
    if column.kind == "file":
        return _facts_of(value)
    if column.kind == "files":
        return {name: None if each is None else _facts_of(each) for name, each in value.items()}
    return str(value) if column.kind in ("text", "choice") else value


def _numbers(value: Any, column: Column) -> Iterable[Any]:
    """Give the numbers that a value holds."""
    if column.kind in ("file", "files"):
        files = [value] if column.kind == "file" else value.values()
        return [each.size for each in files if each is not None]
    return value if column.kind == "list" else [value]


def _fits(number: Any) -> bool:
    """Whether 64 bits hold a number; whatever is none fits."""
    return not isinstance(number, int) or -LARGEST - 1 <= number <= LARGEST


def _fitting(text: bytes | None, column: Column, *, of: Record) -> bytes | None:
    """Give a text of JSON that has the type of its column."""
    if text is not None and column.type is not None:
        try:
            column.type.check(text)
        except ValueError as error:
            raise MappingError(
                f"{type(of).__name__}.{column.field}: {error}, by the type that json= gives the column {column.name!r}"
            ) from None
    return text


def _json_of(one: Record, name: str) -> bytes | None:
    origin = state_of(one).origin
    if name not in origin:
        value = getattr(one, name)
        if name not in origin:
            return None if value is None else readable(as_json(value))
    raw = origin[name]
    if raw is None or isinstance(raw, JsonText):
        return None if raw == b"null" else raw
    return readable(unseal(raw))


# --- what a column of the wire becomes ----------------------------------------
def _as_is(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    return list(values)


def _integers(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    try:
        array("q", [value for value in values if value is not None])
    except OverflowError:
        raise OddPageError from None
    return list(values)


def _texts(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    if codec.kind is str:
        return list(values)
    return [None if value is None else codec.load(value) for value in values]


def _choices(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    names = {value: None if value is None else str(codec.load(value)) for value in set(values)}
    return [names[value] for value in values]


def _moments(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    return [None if value is None else codec.load(value) for value in values]


def _json(values: Sequence[Any], codec: Codec, column: Column) -> JsonColumn:
    made, first = JsonColumn(values), _FIRST.get(codec.kind)
    if first is not None and not made.first_bytes() <= first:
        raise OddPageError
    if column.type is not None:
        for text in made:
            # What doesn't fit is a `ValueError`, and is told of its row.
            if text is not None:
                column.type.check(text)
    return made


def _lists(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    found: Values = _decoder(column.item or "")(json_list(values))
    # msgspec reads integers of any size.
    if column.item in ("int", "float") and not all(
        _fits(each) for each in chain.from_iterable(filter(None, found))
    ):
        raise OddPageError
    return found


def _files(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    made = [
        None if row is None else {name: None if each is None else _file(each) for name, each in row.items()}
        for row in _decoder("files")(json_list(values))
    ]
    # Sizes are integers of any size as well.
    if not all(file is None or _fits(file[_SIZE]) for row in made if row for file in row.values()):
        raise OddPageError
    return made


def _file(raw: Any) -> tuple[Any, ...]:
    """Give the facts of a file; the usual ones are read without their class."""
    name, meta = raw.file_name_original, raw.meta
    is_sized = raw.file_size is not None or raw.size is not None or (meta and "file_size" in meta)
    if not name or "/" in name or "\\" in name or is_sized:
        return _facts_of(RemoteFile.from_wire({name: getattr(raw, name) for name in raw.__struct_fields__}))
    return (name, raw.url or "", raw.file_type, raw.is_primary is True, None, raw.checksum)


def _facts_of(file: RemoteFile) -> tuple[Any, ...]:
    return tuple(getattr(file, name) for name in FILE_FACTS)


def _file_of_row(values: Sequence[Any], codec: Codec, column: Column) -> Values:
    # Of a model's file the page has text, which is not hashable.
    if all(value is None for value in values):
        return list(values)
    raise OddPageError  # what its row says of it beside is known to the object


def json_list(values: Iterable[Any]) -> bytes:
    """Join JSON texts to the text of a list."""
    return b"[%b]" % b",".join([b"null" if text is None else text for text in values])


def _joined(pairs: Iterable[tuple[bytes, Any]]) -> bytes | None:
    held = [b"%b:%b" % (key, b"null" if text is None else text) for key, text in pairs if text is not UNSET]
    return b"{%b}" % b",".join(held) if held else None


@cache
def _decoder(kind: str) -> Callable[[bytes], Any]:
    msgspec = importlib.import_module("msgspec")
    text = str | None
    names: dict[str, Any] = dict.fromkeys(("url", "file_name_original", "filename", "name"), text)
    names |= dict.fromkeys(("file_type", "checksum", "path_original"), text)
    names |= {"is_primary": bool | None, **dict.fromkeys(("file_size", "size"), int | None)}
    fields = [(name, of, None) for name, of in {**names, "meta": dict[str, Any] | None}.items()]
    file: Any = msgspec.defstruct("File", fields, gc=False)
    kinds: dict[str, Any] = {"int": list[int], "float": list[int | float], "text": list[str]}
    kinds |= {"bool": list[bool], "files": GenericAlias(dict, (str, file | None))}
    rows = GenericAlias(list, (kinds[kind] | None,))
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(rows).decode
    return decode


_WIRE: Final[dict[str, set[type]]] = {
    "int": {int, _NONE},
    "bool": {bool, _NONE},
    "float": {int, float, _NONE},
    **dict.fromkeys(("text", "choice", "moment"), {str, _NONE}),
}
_READ: Final[dict[str, Callable[[Sequence[Any], Codec, Column], Values]]] = {
    "int": _integers,
    "bool": _as_is,
    "float": _as_is,
    "text": _texts,
    "choice": _choices,
    "moment": _moments,
    "json": _json,
    "list": _lists,
    "file": _file_of_row,
    "files": _files,
}
