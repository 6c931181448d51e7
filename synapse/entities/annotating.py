"""Annotations of tasks, assignments and ground truths as values: read, checked, and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union

from synapse.downloads import RemoteFile
from synapse.errors import MappingError, QueryError, UnsupportedError
from synapse.mapping import Json
from synapse.orm import arguments
from synapse.orm.binding import session_of
from synapse.orm.record import entity_named, objects_of
from synapse.values import is_many

# The package `annotations` is imported by those who use it: its classes take 30 ms, as long as all entities together.
if TYPE_CHECKING:
    from synapse.annotations import Annotation, Annotations, Medium, Outside
    from synapse.entities.project import Project
    from synapse.entities.task import Task
    from synapse.orm import Entity
    from synapse.session import Session

Annotated: TypeAlias = Union[Json, "Annotation", Iterable["Annotation"]]
"""What a task may be annotated with: annotations, or the data as the backend takes it."""

BATCH: Final = 100
_LARGEST_KEY: Final = 2**63 - 1


def annotations_of(row: Entity, data: Json | None) -> Annotations:
    """Read the data of a row; without data there are no annotations."""
    from synapse.annotations import Annotations

    if data is None:
        return Annotations()
    try:
        return Annotations.from_v1(data)
    except MappingError as error:
        raise MappingError(f"{row._schema.entity} {row.pk}: {error}") from None


def has_values(given: object) -> bool:
    """Tell whether these are annotations, and not data as the backend takes it."""
    return is_many(given) or hasattr(type(given), "TOOL")


def data_of(
    task: Task, given: Any, *, more: tuple[Annotation, ...], schema: str | None, outside: Outside
) -> Json:
    """Give the data to send: what was given as it is, annotations checked against project and unit.

    This reads the files of the unit, or else the collection, and once a session the project; both for all tasks of a
    page at once. A project is read again before something is refused.
    """
    if not more and not has_values(given):
        return arguments.json_object("annotate(data)", given)
    from synapse.annotations import Annotation, Annotations

    try:
        listed: Any = [given] if isinstance(given, Annotation | Mapping) else given
        document = (given if isinstance(given, Annotations) else Annotations(listed)) + more
    except MappingError as error:
        raise QueryError(f"annotate(): {error}; nothing was sent") from None
    checked = _checked(task, document, schema=schema, outside=outside)
    return arguments.json_object("annotate(...)", document.replace(checked).to_v1())


def _checked(
    task: Task, document: Annotations, *, schema: str | None, outside: Outside
) -> tuple[Annotation, ...]:
    from synapse.annotations import check, tools_of

    media = _media(task)
    if schema == "any":
        return check(document, tools={}, media=media, outside=outside)
    tools = tools_of(task.project.configuration)
    try:
        return check(document, tools=tools, media=media, outside=outside)
    except QueryError:
        # The project may be in the cache from before its classes changed: only what was just read may refuse.
        fresh = tools_of(_project_now(task).configuration) if tools else tools
        if fresh == tools:
            raise
    return check(document, tools=fresh, media=media, outside=outside)


def _project_now(task: Task) -> Project:
    projects: Any = objects_of(entity_named("Project")).using(session_of(task))
    found: Project = projects.get(task.project_id)
    return found


def _media(task: Task) -> list[Medium]:
    """Give the files of a task's unit; where the API shows none, those that its collection specifies, without sizes."""
    from synapse.annotations import Medium, kind_of

    try:
        files = task.files
    except UnsupportedError:
        collection = task.project.data_collection
        specs = collection.file_specifications if collection else []
        return [
            Medium(spec.name, kind_of(spec.name) or spec.file_type, is_primary=spec.is_primary)
            for spec in specs
        ]
    return [_medium(name, file) for name, file in files.items()]


def _medium(name: str, file: RemoteFile) -> Medium:
    from synapse.annotations import Medium, kind_of

    width, height = (_pixels(file.meta.get(side)) for side in ("width", "height"))
    kind = kind_of(name) or file.file_type or ""
    return Medium(name, kind, is_primary=file.is_primary, width=width, height=height)


def _pixels(given: object) -> int | None:
    return given if type(given) is int and given > 0 else None


def loaded_tasks(session: Session, pairs: Iterable[Any], *, into: dict[Any, Task]) -> Iterator[Any]:
    """Give pairs on, and before that load the tasks that are given by key and annotated with values, by hundreds."""
    for batch in _batches(pairs):
        keys = [pair[0] for pair in batch if _is_keyed(pair)]
        if keys:
            tasks = objects_of(entity_named("Task")).using(session).only("project_id")
            into.update(tasks.in_bulk(keys))
        yield from batch


def _is_keyed(pair: Any) -> bool:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return False
    return type(pair[0]) is int and 0 < pair[0] <= _LARGEST_KEY and has_values(pair[1])


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut items into lists; what was read before an error is given first."""
    batch: list[Any] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except Exception:
        yield batch
        raise
    yield batch
