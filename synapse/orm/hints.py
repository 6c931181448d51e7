"""What to type instead of names that people know from Django, pandas and other clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from synapse.errors import FieldError, did_you_mean, quoted

_COUNT: Final = "count() asks for the number, len(query) fetches the rows"
_EACH: Final = "iterate over it: for row in query"
_PANDAS: Final = "to_pandas() gives a frame, which has all of pandas"
_HERE: Final = "compute it here, from query.values_list(...)"
_LIST: Final = "list(query) gives the rows"
_LOOKUPS: Final = "filter(...) takes lookups, and get(...) gives the one row"
_SLICE: Final = "slice it: query[20:40]"

OF_QUERIES: Final[Mapping[str, str]] = {
    # Django
    "aggregate": f"the backend computes nothing; {_HERE}",
    "alias": f"the backend computes nothing; {_HERE}",
    "annotate": f"the backend computes nothing; {_HERE}. task.annotate(data) and annotate_many() write annotations",
    "bulk_update": "update_from([{'id': 1, 'field': value}, ...]) sends what differs, from dicts or a frame",
    "complex_filter": "chain filter() for AND; the backend can't answer OR",
    "contains": "row in query tells, or query.filter(pk=row.pk).exists()",
    "dates": "{row.created.date() for row in query} gives the days",
    "datetimes": "{row.created for row in query} gives the moments",
    "difference": "the backend can't combine queries; take one set of keys off the other",
    "extra": "params(key=value) sends a raw query parameter",
    "intersection": "the backend can't combine queries; intersect the sets of keys",
    "raw": "params(key=value) sends a raw query parameter",
    "select_for_update": "save(check=True) refuses to overwrite what somebody else has changed",
    "union": "the backend can't combine queries; run both, and join the rows by key",
    # pandas
    "columns": "values() names the fields of each row, to_arrow() the columns of a table",
    "arrow": "to_arrow() gives a table",
    "df": _PANDAS,
    "pl": "to_polars() gives a frame",
    "write_parquet": "to_parquet(path) writes a file",
    "write_csv": "to_csv(path) writes a file",
    "apply": _EACH,
    "describe": _PANDAS,
    "drop_duplicates": "rows are distinct; set(query.values_list('field', flat=True)) gives the different values",
    "group_by": "itertools.groupby or a dict of lists groups rows here",
    "groupby": "itertools.groupby or a dict of lists groups rows here",
    "head": "query[:5] gives the first rows",
    "iloc": _SLICE,
    "isin": "filter(id__in=[...]) takes several values, where the lookup has __in",
    "iterrows": _EACH,
    "itertuples": "query.values_list('id', ..., named=True) gives named tuples",
    "len": _COUNT,
    "loc": "get(key) gives the row of a key",
    "map": _EACH,
    "length": _COUNT,
    "sample": "random.sample(list(query), 5) chooses here",
    "shape": _COUNT,
    "size": _COUNT,
    "sort_values": "order_by('-created') orders",
    "tail": "query.reverse()[:5] gives the last rows, the last one first",
    "to_dataframe": _PANDAS,
    "to_df": _PANDAS,
    "to_dict": "list(query.values()) gives dicts",
    "to_json": "json.dumps([row.to_dict(json=True) for row in query])",
    "unique": "set(query.values_list('field', flat=True))",
    "value_counts": "collections.Counter(query.values_list('field', flat=True))",
    # other clients
    "add": "create(...) makes one row, bulk_create([...]) many",
    "append": "create(...) makes one row, bulk_create([...]) many",
    "destroy": "delete() deletes every row of the query",
    "fetch": _LIST,
    "fetch_all": _LIST,
    "fetchall": _LIST,
    "find": _LOOKUPS,
    "find_one": _LOOKUPS,
    "filter_by": _LOOKUPS,
    "get_all": _LIST,
    "get_or_none": "filter(...).first() gives a row or None",
    "insert": "create(...) makes one row, bulk_create([...]) many",
    "insert_many": "bulk_create([...]) makes many rows",
    "items": f"{_EACH}; query.in_bulk() gives a dict by key",
    "keys": "query.values_list('pk', flat=True) gives the keys",
    "limit": "query[:20] gives the first 20 rows",
    "list": _LIST,
    "next": "next(query.iterator()) gives one row after the other",
    "offset": _SLICE,
    "one": "get(...) gives the one row",
    "one_or_none": "first() gives a row or None, get(...) the one row",
    "order": "order_by('-created') orders",
    "page": _SLICE,
    "paginate": "iterate over it: pages are fetched as they are needed",
    "remove": "delete() deletes every row of the query",
    "save": "row.save() saves one row, query.update(field=value) sets fields of all",
    "scalar": "values_list('field', flat=True) gives bare values",
    "scalars": "values_list('field', flat=True) gives bare values",
    "search": "filter(search='...') searches, where the entity has it",
    "select": "only('field', ...) chooses fields",
    "skip": _SLICE,
    "sort": "order_by('-created') orders",
    "take": "query[:20] gives the first 20 rows",
    "to_list": _LIST,
    "tolist": _LIST,
    "where": _LOOKUPS,
}

OF_VALUES: Final[Mapping[str, str]] = {
    "delete": "query.delete() deletes the rows",
    "distinct": "set(query.values_list('field', flat=True)) gives the different values",
    "earliest": "order_by('created').first() gives the values of the first row",
    "latest": "order_by('created').last() gives the values of the last row",
    "update": "query.update(field=value) sets fields of the rows",
}

OF_OBJECTS: Final[Mapping[str, str]] = {
    "as_dict": "to_dict() gives its fields",
    "clean": "values are checked as they are set, and by save()",
    "destroy": "delete() deletes it",
    "dict": "to_dict() gives its fields",
    "fetch": "refresh() loads it anew",
    "full_clean": "values are checked as they are set, and by save()",
    "get": "getattr(row, 'field') reads a field by name; refresh() loads it anew",
    "items": "to_dict().items() gives its fields",
    "json": "to_dict(json=True) gives what json.dumps() takes",
    "keys": "to_dict() gives its fields",
    "load": "refresh() loads it anew",
    "model_dump": "to_dict() gives its fields",
    "patch": "set fields, then save()",
    "refresh_from_db": "refresh() loads it anew",
    "reload": "refresh() loads it anew",
    "remove": "delete() deletes it",
    "to_json": "to_dict(json=True) gives what json.dumps() takes",
    "update": "set fields, then save()",
}


def attribute(owner: str, name: str, *, known: Iterable[str]) -> str:
    """Say that an object has no such attribute, and what there is instead."""
    if name in OF_OBJECTS:
        return f"{owner} has no attribute {quoted(name)}: {OF_OBJECTS[name]}"
    public = [each for each in known if not each.startswith("_")]
    sets = f"{name.removesuffix('_set')}s"
    if name.endswith("_set") and sets in public:
        return f"{owner} has no attribute {quoted(name)}: its set is called {sets!r}"
    return f"{owner} has no attribute {quoted(name)}{did_you_mean(name, public)}"


def missing(name: str, owner: str, *, known: type[Any]) -> AttributeError:
    """Make the error of a name that a query does not have; its words are looked for when they are read."""
    if name.startswith("__"):
        return AttributeError(name)  # libraries probe for dozens of these
    return FieldError(name=name, say=lambda: method(owner, name, known=dir(known)))


def method(owner: str, name: str, *, known: Iterable[str]) -> str:
    """Say that a query has no such method, and what there is instead."""
    instead = OF_QUERIES.get(name) or OF_VALUES.get(name)
    if instead is not None:
        return f"{owner} has no {quoted(name)}: {instead}"
    public = [each for each in known if not each.startswith("_")]
    return f"{owner} has no {quoted(name)}{did_you_mean(name, public)}"
