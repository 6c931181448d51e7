"""Data collections: units of data and the files that each unit is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import DataCollectionTwins
from synapse.entities.choices import AccessLevel, CollectionCategory
from synapse.entities.typed import DataCollectionQueries
from synapse.errors import MappingError, TransferError, WriteUnconfirmedError, describe, did_you_mean
from synapse.mapping import Json, read_only
from synapse.mapping.likeness import Likeness, like_json
from synapse.optional import optional
from synapse.orm import Entity, ManagedBy, ToMany, arguments, batch_answers, cached_rows, entity
from synapse.orm.binding import check_host, held
from synapse.orm.cached_rows import dropping_all_cached
from synapse.orm.questions import Creation
from synapse.orm.record import reference, table_of
from synapse.orm.unconfirmed import Moment, attach, resolvable_by
from synapse.query import EXACT
from synapse.session import rows_of
from synapse.showing import bounded

if TYPE_CHECKING:
    from synapse.dialects import Reply, Request
    from synapse.entities.data import DataGroupManager, DataUnit, DataUnitManager
    from synapse.entities.project import Project, ProjectManager
    from synapse.interop.formats.upload_labels import UploadLabels
    from synapse.session import Backend, Session
    from synapse.transfer import ProgressLike, RemotePath
    from synapse.uploads import Report, Spec, Target


@attrs.frozen(eq=False, repr=False)
class _ObjectOf:
    """Makes an object of a key; a pickle of it has no session, as those of objects have none."""

    entity: type[Entity]
    session: Session | None = None
    backend: Backend | None = None

    def __call__(self, key: int) -> Entity:
        made = reference(self.entity, key, session=self.session)
        made._state.backend = self.backend
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        backend = self.backend if self.session is None else self.session.backend
        return _ObjectOf, (self.entity, None, backend)


_CHOICES: Final = {
    "file_type": ("image", "video", "audio", "text", "pcd", "data"),
    "function_type": ("main", "sub", "meta", ""),
}


def _listed(specification: FileSpecification, attribute: attrs.Attribute[str], value: object) -> None:
    """Refuse a value that the wire does not list, but for those of a specification that a backend has numbered."""
    known = _CHOICES[attribute.name]
    if specification.id is None and value not in known:
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        raise MappingError(
            f"FileSpecification.{attribute.name}: {describe(value)} is no {attribute.name.replace('_', ' ')}{hint}. "
            f"Values: {', '.join(filter(None, known))}"
        )


@bounded
@attrs.frozen(kw_only=True, repr=False)
class FileSpecification:
    """One file that the units of a collection are made of; `name` is its key in `unit.files`.

    Names have the form `{kind}_{index}`, such as `image_1`. Exactly one specification is primary; its `function_type`
    is `main` by default.
    """

    name: str
    file_type: str = attrs.field(validator=_listed)
    id: int | None = None
    description: str = ""
    configuration: dict[str, Any] = attrs.field(factory=dict)
    is_sequential: bool = False
    is_required: bool = False
    is_primary: bool = False
    function_type: str = attrs.field(
        default=attrs.Factory(lambda spec: "main" if spec.is_primary else "", takes_self=True),
        validator=_listed,
    )
    index: int = 1

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON to send, without `id`: the backend numbers the specifications itself."""
        return {name: value for name, value in attrs.asdict(self).items() if name != "id"}

    def like(self, sent: Mapping[str, Any]) -> Likeness:
        """Compare with a specification that was sent, except for index and role, which the backend chooses."""
        own = ("index", "is_primary", "function_type")
        return like_json(
            {name: value for name, value in sent.items() if name not in own},
            {name: value for name, value in self.to_wire().items() if name not in own},
        )


class DataCollectionManager(DataCollectionQueries):
    """Queries of data collections."""


@entity("data_collections", order_by=("id", "created"), natural=("name",))
class DataCollection(DataCollectionTwins, Entity):
    """A set of data units of one shape, which its `file_specifications` describe."""

    id: int = read_only()
    name: str
    category: CollectionCategory | str
    description: str = ""
    file_specifications: list[FileSpecification] = attrs.field(factory=list)
    meta: Json = attrs.field(factory=dict)
    caution: str = ""
    access_level: AccessLevel = AccessLevel.PRIVATE
    is_archived: bool = False
    count_projects: int = read_only()
    tenant: int | None = read_only()
    created: datetime | None = read_only()

    units = ToMany["DataUnitManager"](by="data_collection")
    projects = ToMany["ProjectManager"](by="data_collection")
    groups = ToMany["DataGroupManager"](by="data_collection")

    objects = ManagedBy(DataCollectionManager)

    lookups = {
        "category": EXACT,
    }

    @sends
    def add(
        self,
        files: Mapping[str, str | PathLike[str] | RemotePath] | str | PathLike[str] | RemotePath,
        *,
        meta: Json | None = None,
        groups: Sequence[str] = (),
        root: str | PathLike[str] | RemotePath | None = None,
        check_content: bool = True,
    ) -> DataUnit:
        """Upload the files of one unit and create it; if only one file is needed, pass its path.

        If the collection already has a unit of the same files, that unit is returned unchanged. Files that the backend
        already has are not sent. The backend keeps each file's path relative to *root*. Before anything is sent, a file
        that fits no specification, or a missing required file, raises `MappingError`; a file that is clearly no picture
        (empty, a web page) raises `TransferError`, unless `check_content=False`.
        """
        from synapse import uploads
        from synapse.entities.data import DataUnit

        session = held(self, "add")
        plan = uploads.plan_item(
            {"files": self.check_files(files)}, self._all_specs(), root=root, check_content=check_content
        )
        given: dict[str, Any] = {"meta": {} if meta is None else meta}
        if not (isinstance(groups, tuple) and not groups):  # a pandas.Series has no plain `!=`
            given["groups"] = groups
        unit = DataUnit(data_collection_id=self.pk, files={}, **given)
        sources = {name: part.source for name, part in plan.parts.items()}
        checksums = uploads.upload_missing(session, sources, collection=self.pk)
        sent = {name: {"checksum": checksums[name], "path": part.path} for name, part in plan.parts.items()}
        # The wire takes less of a file than it gives, so this field is written by plain dicts.
        unit.files = cast("Any", sent)
        unit._state.session, unit._state.mode = session, self._state.mode
        with cached_rows.renewing(self, "units"):
            return unit.save()

    @sends
    def upload(
        self,
        items: Iterable[Any] | str | PathLike[str] | RemotePath,
        *,
        project: Project | int | None = None,
        workers: int | None = None,
        batch_size: int = 200,
        progress: ProgressLike = None,
        on_error: Literal["collect", "raise"] = "collect",
        dry_run: bool = False,
        presigned: bool | None = None,
        folders: Mapping[str, str | PathLike[str]] | None = None,
        include: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        root: str | PathLike[str] | RemotePath | None = None,
        allow_unpaired: bool = False,
        check_content: bool = True,
        annotations: str | PathLike[str] | None = None,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"] | None = None,
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = "detect",
        strict: bool = False,
    ) -> Report:
        """Upload a folder or many items side by side, and report on each item in the order given.

        An item is `{"files": {"image_1": path}, "meta": {...}, "groups": [...]}`; if only one file is needed, its path
        is enough. In a folder, files are assigned by sub-folders named after the file specifications, else by file
        type; files with the same stem form one unit. Units are created in batches; with a `project` (or its key), each
        gets a task. Nothing is uploaded or created twice: if the collection already has an item's unit, the item is
        `reused`, and the unit keeps its own meta and groups.

        With `dry_run=True` nothing is sent: the report says what would be sent, and what does not fit. One bad file
        never stops the rest: its outcome is `failed`, with its error. With `on_error="raise"`, the first failure ends
        the run with a `BulkError`. A refused token, a connection that stays lost, or an error raised by *items* itself
        always ends it, after units were created for the files already sent. Files go straight to the backend's storage
        if it offers that; `presigned` forces or forbids it.

        `folders={"image_1": "images", "data_meta_1": "labels"}` names the sub-folder of each specification; all must
        have the same parent, at any depth. `include` and `exclude` are patterns such as `"*.jpg"` and `"previews/"`. A
        folder that has both pictures without labels and labels without pictures is refused before anything is sent,
        unless `allow_unpaired=True`. The backend keeps each file's path relative to *root*, by default the uploaded
        folder. A file that is clearly no picture (empty, a web page, a Git LFS pointer) fails, unless
        `check_content=False`.

        *annotations* is the path of labels in a *format*, with which the tasks of the *project* are annotated, matched
        by the names of the pictures; `report.annotations` tells what became of them. With `strict=True` they are
        checked first, and where anything is wrong with them, nothing is uploaded.
        """
        from synapse import uploads

        flags = {
            "strict": strict,
            "dry_run": dry_run,
            "allow_unpaired": allow_unpaired,
            "check_content": check_content,
        }
        for name, value in flags.items():
            arguments.flag(f"upload({name}=...)", value)
        session = held(self, "upload")
        labels = self._labels(annotations, format=format, kind=kind, project=project)
        layout = {"folders": folders, "include": include, "exclude": exclude}
        given = uploads.items_of(
            items,
            specs=self._specs(),
            root=root,
            layout=layout,
            allow_unpaired=allow_unpaired,
            check_content=check_content,
        )
        with (
            cached_rows.renewing(None if dry_run else self, "units"),
            cached_rows.renewing(None if dry_run else project, "tasks"),
        ):
            send = partial(
                uploads.upload_items,
                session,
                target=self._target(session, project, dry_run=dry_run),
                workers=workers,
                batch_size=batch_size,
                progress=progress,
                on_error=on_error,
                presigned=presigned,
                root=root,
                check_content=check_content,
            )
            if labels is None:
                return send(given, dry_run=dry_run)
            return labels.upload(send, given, dry_run=dry_run, strict=strict)

    def _labels(
        self, annotations: Any, *, format: str | None, kind: Any, project: Project | int | None
    ) -> UploadLabels | None:
        if annotations is None and format is None:
            return None
        return self._open_labels(annotations, format=format, kind=kind, project=project)

    @optional
    def _open_labels(
        self, annotations: Any, *, format: str | None, kind: Any, project: Project | int | None
    ) -> UploadLabels:
        raise NotImplementedError

    def _specs(self) -> tuple[Spec, ...]:
        sequential = {spec.name for spec in self.file_specifications if spec.is_sequential}
        return tuple(spec for spec in self._all_specs() if spec.name not in sequential)

    def _all_specs(self) -> tuple[Spec, ...]:
        from synapse.uploads import Spec

        return tuple(Spec(each.name, each.file_type, each.is_required) for each in self.file_specifications)

    def _target(self, session: Session, project: Project | int | None, *, dry_run: bool) -> Target:
        from synapse import uploads
        from synapse.entities.data import DataUnit
        from synapse.entities.task import Task

        target = uploads.Target(
            self.pk,
            self._specs(),
            create_units=lambda bodies: _sent(
                session,
                session.dialect.actions.create_units(bodies),
                of=DataUnit,
                read=session.dialect.actions.units_created,
                rows=[
                    {"data_collection_id": self.pk, "files": body["files"], "meta": body.get("meta", {})}
                    for body in bodies
                ],
            ),
            newest_unit=lambda: newest.id if (newest := self.units.only("id").last()) else 0,
            show=uploads.Converters(unit=_ObjectOf(DataUnit, session), task=_ObjectOf(Task, session)),
        )
        if project is None:
            return target
        key = self._project_key(session, project, reading=not dry_run)
        return attrs.evolve(
            target,
            create_tasks=lambda units: _sent(
                session,
                session.dialect.actions.create_tasks(key, units),
                of=Task,
                read=lambda reply: _tasks_made(session, reply, project=key, units=units),
                rows=[{"project_id": key, "data_unit_id": unit} for unit in units],
            ),
            tasks=lambda: (
                (task.data_unit_id, task.id)
                for task in Task.objects.using(session).filter(project=key).only("data_unit_id").iterator()
            ),
        )

    def _project_key(self, session: Session, project: Project | int, *, reading: bool) -> int:
        """Give the key of a project, which has to work on this collection."""
        from synapse.entities.project import Project

        if isinstance(project, Project):
            held(project, "upload")
            check_host(session, [project], what="upload(project=...)")
        elif reading:
            key = Project._schema.key.check("upload(project=...)", project)
            project = Project.objects.using(session).get(id=key)
        else:
            return int(Project._schema.key.check("upload(project=...)", project))
        if project.data_collection_id != self.pk:
            raise TransferError(
                f"project {project.pk} works on data collection {project.data_collection_id}, and this is {self.pk}: "
                "tasks can be made of a project's own collection only. Nothing was sent"
            )
        return int(project.pk)

    @sends
    def check_files(
        self, files: Mapping[str, str | PathLike[str] | RemotePath] | str | PathLike[str] | RemotePath
    ) -> dict[str, str | PathLike[str] | RemotePath]:
        """Name each file by its specification, or raise `MappingError` saying what does not fit."""
        from synapse.uploads import by_specification

        specs = self.file_specifications
        required = [spec.name for spec in specs if spec.is_required]
        return by_specification(files, names=[spec.name for spec in specs], required=required)


def _tasks_made(session: Session, reply: Reply, *, project: int, units: Sequence[int]) -> Any:
    """Give the rows of tasks that were made; where the answer only counts them, they are looked for."""
    from synapse.entities.task import Task

    told = session.dialect.actions.tasks_created(reply)
    if told is not None:
        return told
    table, found, left = table_of(Task, session), dict[int, int](), set(units)
    # The newest come first, so that hardly more than these are read.
    for task in Task.objects.using(session).filter(project=project).only("data_unit_id").iterator():
        if task.data_unit_id in left:
            found[task.data_unit_id] = task.id
            left.discard(task.data_unit_id)
        if not left:
            break
    via = table.names["data_unit_id"]
    return [{table.pk: found.get(unit), via: unit} for unit in units]


def _sent(
    session: Session,
    request: Request,
    *,
    of: type[Entity],
    rows: Sequence[Mapping[str, Any]],
    read: Callable[[Reply], Any],
) -> Any:
    """Create rows, given as wire values by field as well, so that a lost answer can be asked for."""
    since = Moment()
    with (
        resolvable_by(lambda since: Creation.of_rows(of, rows, session=session, since=since)),
        dropping_all_cached(of, session),
    ):
        answer = rows_of(read(session.send(request)), count=len(rows))
    found = batch_answers.rows_by_sent(of, answer, sent=rows, session=session)
    for sent, row in zip(rows, found, strict=True):
        if isinstance(row, WriteUnconfirmedError):
            attach(row, Creation.of_rows(of, [sent], session=session, since=since))
    return found
