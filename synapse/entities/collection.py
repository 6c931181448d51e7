"""Data collections: units of data and the files that each unit is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast

import attrs

from synapse.dialects import v1_actions
from synapse.entities.choices import AccessLevel, CollectionCategory
from synapse.errors import MappingError, WriteUnconfirmedError
from synapse.mapping import Json, read_only
from synapse.orm import Entity, ToMany, entity
from synapse.orm.binding import held
from synapse.orm.loading import load_page
from synapse.query import EXACT
from synapse.transfer import ProgressLike, Report, upload_file, upload_items
from synapse.transfer.source import Source
from synapse.transfer.specifications import by_specification

if TYPE_CHECKING:
    from synapse.entities.data import DataUnit
    from synapse.entities.project import Project


@attrs.frozen(kw_only=True)
class FileSpecification:
    """One file that the units of a collection are made of; `name` is its key in `unit.files`.

    Names read `{kind}_{index}`, such as `image_1`; exactly one specification is primary, and is the `main` one unless
    said otherwise.
    """

    name: str
    file_type: str
    id: int | None = None
    description: str = ""
    configuration: dict[str, Any] = attrs.field(factory=dict)
    is_sequential: bool = False
    is_required: bool = False
    is_primary: bool = False
    function_type: str = attrs.field(
        default=attrs.Factory(lambda spec: "main" if spec.is_primary else "", takes_self=True)
    )
    index: int = 1

    def to_wire(self) -> dict[str, Any]:
        """Give what the backend is sent; it numbers the specifications itself."""
        return {name: value for name, value in attrs.asdict(self).items() if name != "id"}


@entity("data_collections", order_by=("id", "created"))
class DataCollection(Entity):
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

    units = ToMany["DataUnit"](by="data_collection")
    projects = ToMany["Project"](by="data_collection")

    lookups = {
        "category": EXACT,
    }

    def add(
        self,
        files: Mapping[str, str | PathLike[str]] | str | PathLike[str],
        *,
        meta: Json | None = None,
        groups: Sequence[str] = (),
    ) -> DataUnit:
        """Upload the files of one unit and create it; a bare path will do where one file is asked for.

        A unit of the same files that the collection has already is returned instead of a new one. Raises
        `MappingError` before anything is sent where a file fits no specification, or a required one is missing.
        """
        from synapse.entities.data import DataUnit

        session = held(self, "add")
        sources = {name: Source.of(path) for name, path in self.check_files(files).items()}
        given: dict[str, Any] = {"meta": {} if meta is None else meta}
        if groups != ():
            given["groups"] = groups
        unit = DataUnit(data_collection_id=self.pk, files={}, **given)
        sent = {
            name: {"checksum": upload_file(session, source.path)["checksum"], "path": source.shown}
            for name, source in sources.items()
        }
        # The wire takes less of a file than it gives, so this field is written by plain dicts.
        unit.files = cast("Any", sent)
        unit._state.session = session
        return unit.save()

    def upload(
        self,
        items: Iterable[Any],
        *,
        workers: int | None = None,
        batch_size: int = 200,
        progress: ProgressLike = None,
        on_error: Literal["collect", "raise"] = "collect",
    ) -> Report:
        """Upload many items side by side, create their units in batches, and report on each in the order given.

        An item is `{"files": {"image_1": path}, "meta": {...}, "groups": [...]}`; where one file is asked for, a bare
        path will do. One bad file never stops the rest: its outcome is `failed`, with its error. With
        `on_error="raise"` the first failure ends the run with a `BulkError`; so does, always, a token that is not
        taken, a line that stays dead, and an error that *items* itself raises, once what was sent has its units.
        """
        from synapse.entities.data import DataUnit

        session = held(self, "upload")
        newest = self.units.only("id").last()

        def create_units(bodies: list[dict[str, Any]]) -> list[DataUnit]:
            rows = session.send(v1_actions.create_units(bodies)).data
            try:
                return load_page(DataUnit, rows if isinstance(rows, list) else [rows], session=session)
            except MappingError as error:
                raise WriteUnconfirmedError(
                    f"units were created, but the answer cannot be read: {error}"
                ) from error

        return upload_items(
            session,
            items,
            collection=self.pk,
            spec_names=[spec.name for spec in self.file_specifications],
            required=[spec.name for spec in self.file_specifications if spec.is_required],
            create_units=create_units,
            known_up_to=newest.id if newest else 0,
            workers=workers,
            batch_size=batch_size,
            progress=progress,
            on_error=on_error,
        )

    def check_files(
        self, files: Mapping[str, str | PathLike[str]] | str | PathLike[str]
    ) -> dict[str, str | PathLike[str]]:
        """Name each file by its specification, or raise `MappingError` saying what does not fit."""
        specs = self.file_specifications
        required = [spec.name for spec in specs if spec.is_required]
        return by_specification(files, names=[spec.name for spec in specs], required=required)
