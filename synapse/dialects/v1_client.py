"""Wire v1 as the flat client speaks it: its lists, the parameters that each takes, and the calls that only it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from synapse.dialects.dialect import Place
from synapse.dialects.v1 import ORDER, V1Table, key_of, names_of, paged
from synapse.dialects.v1_rows import ROWS
from synapse.dialects.wire import Request, segment
from synapse.errors import QueryError
from synapse.mapping.schema import Schema
from synapse.query import Catalog, Condition, In, NotIn, Query
from synapse.query.kinds import Boolean, Choice, Integer, Kind, Search, Text

Params = tuple[tuple[str, str], ...]

SHAPE: Final = ("expand", "fields", "omit", "url_host", "response_mode")
"""What every list and every single object may be asked for."""
PAGES: Final = ("page", "page_size", "ordering")
ORDERS: Final = ("id", "created", "pgh_id")

_SDK: Final = ("ids", "ids_ex", "search", "pagination", "cursor")
_VERSION: Final = "ground_truth_dataset_version"
_WORKING: Final = 120.0


@attrs.frozen
class FlatList:
    """One list: its entity, its address, the order that it comes in, and its parameters beyond the entity's lookups.

    `size` is the number of rows that is asked for where the caller names none.
    """

    entity: str
    path: str
    order: str = "id"
    more: tuple[str, ...] = ()
    size: int | None = None


_TASKS: Final = FlatList("Task", "sdk/tasks/", "-id", (*_SDK, "discarded_filter"))
_ASSIGNMENTS: Final = FlatList("Assignment", "sdk/assignments/", "-id", _SDK)
_EVENTS: Final = FlatList("GroundTruthEvent", "sdk/ground_truth_events/", "-pgh_id", (*_SDK, _VERSION), 100)

LISTS: Final[Mapping[str, FlatList]] = {
    "agents": FlatList("Agent", "agents/"),
    "assignments": _ASSIGNMENTS,
    "assignments_data": attrs.evolve(_ASSIGNMENTS, path="sdk/assignments/data/"),
    "assignments_files": attrs.evolve(_ASSIGNMENTS, path="sdk/assignments/files/"),
    "data_collections": FlatList("DataCollection", "data_collections/"),
    "data_units": FlatList("DataUnit", "data_units/", size=100),
    "ground_truth_events": _EVENTS,
    "ground_truth_events_data": attrs.evolve(_EVENTS, path="sdk/ground_truth_events/data/"),
    "ground_truth_events_files": attrs.evolve(_EVENTS, path="sdk/ground_truth_events/files/"),
    "ground_truth_versions": FlatList("GroundTruthVersion", "ground_truth_dataset_versions/"),
    "ground_truths": FlatList("GroundTruth", "ground_truths/", "-id", (_VERSION,), 100),
    "jobs": FlatList("Job", "jobs/", "-created"),
    "models": FlatList("Model", "models/", "-id", ("project", "search")),
    "plugin_releases": FlatList("PluginRelease", "plugin_releases/", "-id"),
    "serve_applications": FlatList("ServeApplication", "serve_applications/", "-id"),
    "storages": FlatList("Storage", "storages/"),
    "task_tags": FlatList("TaskTag", "task_tags/"),
    "tasks": _TASKS,
    "tasks_data": attrs.evolve(_TASKS, path="sdk/tasks/data/"),
    "tasks_files": attrs.evolve(_TASKS, path="sdk/tasks/files/"),
}


@attrs.frozen
class Writes:
    """What bodies of a kind may name: the fields of its entity, and *more* that is documented."""

    entity: str
    more: tuple[str, ...] = ()


WRITES: Final[Mapping[str, Writes]] = {
    "data_units": Writes("DataUnit"),
    "job_logs": Writes("JobLog", ("message", "context")),
    "jobs": Writes("Job", ("status", "console_logs", "progress", "metadata")),
    "models": Writes("Model", ("project", "file", "category", "model_type", "metrics", "is_active")),
    "plugin_releases": Writes(
        "PluginRelease", ("plugin", "version", "debug", "file", "changelog", "is_stable")
    ),
    "plugins": Writes("Plugin"),
    "serve_applications": Writes("ServeApplication"),
    "storages": Writes("Storage"),
    "tasks": Writes("Task"),
}
RUNS: Final = (
    "agent",
    "action",
    "params",
    "parameters",
    "context",
    "storage_id",
    "job_id",
    "debug",
    "version",
    "language",
)
ANNOTATES: Final = ("action", "data")


@attrs.frozen(eq=False, kw_only=True)
class FlatTable(V1Table):
    """One list whose parameters are given as they travel: only order and page are added."""

    path: str
    read_timeout: float | None = None

    def select(self, query: Query, *, at: Place | None = None, size: int) -> Request:
        """Ask for one page."""
        params = [*self._filters(query)]
        if query.order and not any(name == ORDER for name, _ in query.params):
            params.append((ORDER, ",".join(query.order)))
        params += paged(at, size)
        return Request("GET", self.path, params=tuple(params), read_timeout=self.read_timeout)


FILES: Final = ("files", "file", "data_unit.files", "data_unit.file")
"""Where rows have files, one kind here and another there."""


def names(schema: Schema) -> frozenset[str]:
    """Name what a row may hold."""
    hidden = ROWS[schema.resource].hides
    own = (key for name, key in names_of(schema).items() if name not in hidden)
    return frozenset((*own, "files", "file", "data_unit"))


@attrs.frozen
class Parameter:
    """How a parameter travels: how several values do, if at all, and how the values are spelt that are known.

    `kind` is that of the values where they decide which rows there are; the backend takes an empty one for none.
    """

    many: Literal["comma", "repeat"] | None = None
    values: tuple[str, ...] = ()
    kind: Kind | None = None
    excludes: bool = False

    def spelt(self, text: str) -> str:
        """Spell a value as the backend does, whatever its case."""
        return next((value for value in self.values if value.lower() == text.lower()), text)


SINGLE: Final[Mapping[str, Parameter]] = {name: Parameter("repeat") for name in SHAPE}
_PLAIN: Final = Parameter()
TAGGING: Final[Mapping[str, Parameter]] = {"replace": Parameter(kind=Boolean()), "url_host": _PLAIN}
_MORE: Final[Mapping[str, Parameter]] = {
    "ids": Parameter("comma", kind=Integer()),
    "ids_ex": Parameter("comma", kind=Integer(), excludes=True),
    "ordering": Parameter("comma"),
    "search": Parameter(kind=Search()),
    "project": Parameter(kind=Integer()),
    "discarded_filter": Parameter(kind=Text()),
    _VERSION: Parameter(kind=Integer()),
}


def parameters(flat: FlatList, schema: Schema, *, catalog: Catalog) -> Mapping[str, Parameter]:
    """Name the parameters that a list heeds; the backend ignores every other one, and answers with everything."""
    found, lacks = dict[str, Parameter](), ROWS[schema.resource].lacks
    for name, by in catalog.lookups.items():
        kind = catalog.kinds[name]
        values = tuple(str(each.value) for each in kind.of) if isinstance(kind, Choice) else ()
        for lookup in () if name in lacks else by.lookups:
            key = key_of(schema, Condition(name, lookup, None))
            many = key.many if lookup in (In, NotIn) else None
            known = found.get(key.name, _PLAIN)
            found[key.name] = Parameter(many or known.many, values, lookup.kind_of(kind), lookup is NotIn)
    for name in (*flat.more, *PAGES):
        found.setdefault(name, _MORE.get(name, _PLAIN))
    return {**found, **SINGLE}


def writable(resource: str, schema: Schema) -> tuple[str, ...]:
    """Name what a body of a kind may hold; the backend ignores what it does not know."""
    names = names_of(schema)
    own = (names[name] for name, field in schema.fields.items() if not field.read_only)
    return tuple(dict.fromkeys((*own, *WRITES[resource].more)))


def tagging(resource: str) -> tuple[str, ...]:
    """Name what a change of tags may hold, in today's names and in the documented ones."""
    return ("ids", "tags", "action", f"{resource.removesuffix('s')}_ids", "tag_ids")


def resource_of(request: Request) -> str | None:
    """Tell which kind of rows a request is about; None where it is about none."""
    return next((name for name, row in ROWS.items() if request.path.startswith(row.path)), None)


def single(resource: str, pk: object, *, params: Params = ()) -> Request:
    """Read one object."""
    return Request("GET", f"{ROWS[resource].path}{segment(pk)}/", params=params)


def create(resource: str, body: Any) -> Request:
    """Create what *body* says: one object, or several where the wire takes a list."""
    return Request("POST", ROWS[resource].path, json=body, harmless=ROWS[resource].reuses)


def change(resource: str, pk: object, *, body: Any) -> Request:
    """Send what is to change."""
    return Request(ROWS[resource].change, f"{ROWS[resource].path}{segment(pk)}/", json=body)


def annotate(task: object, body: Mapping[str, Any], *, params: Params) -> Request:
    """Set a task's annotation: a body with neither `action` nor `data` is the annotation itself, and is submitted."""
    whole = body if "action" in body or "data" in body else {"action": "submit", "data": body}
    return Request("PUT", f"tasks/{segment(task)}/annotate_task_data/", params=params, json=dict(whole))


def set_tags(resource: str, body: Mapping[str, Any], *, params: Params) -> Request:
    """Change tags, in today's names whichever the body has; the documented names alone, or `replace`, mean to add."""
    today = {f"{resource.removesuffix('s')}_ids": "ids", "tag_ids": "tags"}
    for name, same in today.items():
        if name in body and same in body:
            raise QueryError(f"{name!r} and {same!r} are two names of one thing: give one. Nothing was sent")
    adds = today.keys() <= body.keys() or any(name == "replace" for name, _ in params)
    json = {"action": "add"} if adds else {}
    json |= {today.get(name, name): value for name, value in body.items() if value is not None}
    return Request("POST", f"{ROWS[resource].path}set_tags/", params=params, json=json)


def run(plugin: object, body: Mapping[str, Any]) -> Request:
    """Run an action of a plugin, which may answer what it likes."""
    return Request("POST", f"plugins/{segment(plugin)}/run/", json=dict(body), textual=True)


def chunked_upload(key: object) -> Request:
    """Read the state of a chunked upload."""
    return Request("GET", f"chunked_upload/{segment(key)}/")


def ask_presigned(files: Sequence[Mapping[str, Any]], expiration: int) -> Request:
    """Ask where files may be put."""
    body = {"files": [dict(file) for file in files], "expiration": expiration}
    return Request("POST", "data_files/presigned_upload/upload/", json=body, read_timeout=_WORKING)


def confirm_presigned(files: Sequence[Mapping[str, Any]]) -> Request:
    """Tell that files are in their places."""
    body = {"files": [dict(file) for file in files]}
    return Request("POST", "data_files/presigned_upload/confirm_upload/", json=body, read_timeout=_WORKING)


def storage(key: object) -> Request:
    """Read a storage with its configuration."""
    return single("storages", key, params=(ROWS["storages"].asks["configuration"],))
