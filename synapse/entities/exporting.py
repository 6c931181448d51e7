"""The verb of every entity that people train on: `Task.objects.filter(…).export("out/", format="coco")`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypeVar

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AnnotatedManagerTwins
from synapse.downloads import FileCache
from synapse.entities.files import FilesManager
from synapse.optional import optional
from synapse.transfer import ProgressLike

if TYPE_CHECKING:
    from synapse.interop.formats.report import AnnotationReport
    from synapse.orm import Entity

E = TypeVar("E", bound="Entity")


class AnnotatedManager(AnnotatedManagerTwins, FilesManager[E]):
    """Queries of rows that hold the annotations of their files, and the export of these."""

    @sends
    @optional
    def export(
        self,
        folder: str | PathLike[str],
        *,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"],
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = "detect",
        files: Literal["download", "link"] | None = None,
        split: Mapping[str, float] | Literal["category"] | None = None,
        lossy: Literal["report", "refuse"] = "report",
        specification: str | None = None,
        overwrite: bool = False,
        workers: int | None = None,
        progress: ProgressLike = None,
        cache: FileCache | None = None,
    ) -> AnnotationReport:
        """Write the annotations of every row into a folder, in a format that people train on.

        The folder appears when it is whole; one that holds an export is replaced with `overwrite=True`, any other that
        is not empty is refused. What the format can't hold is left out and listed in the report; with `lossy="refuse"`
        the first of it raises `MappingError`, and nothing is written. Rows without annotations are left out.

        `files="download"` puts the pictures beside the labels, through *cache* where one is given; `files="link"` links
        to those of the cache, so that they lie on the disk once. *split* gives each
        part its share, such as `{"train": 0.8, "val": 0.2}`; the unit's key chooses the part, the same one each time.
        `split="category"` keeps the parts that ground truths have. `kind` is that of YOLO. Where units have several
        pictures, *specification* chooses one; else it is the primary one.
        """
        raise NotImplementedError
