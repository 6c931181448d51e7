"""`queryset.download()`: the files of every row of a query, in a folder."""

from __future__ import annotations

import json
import logging
import zipfile

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from PIL import Image

from synapse import (
    Assignment,
    DataCollection,
    DataFile,
    DataUnit,
    FileCache,
    GroundTruth,
    GroundTruthEvent,
    JobLog,
    Model,
    Plugin,
    PluginRelease,
    QueryError,
    Task,
    TransferError,
)
from synapse.testing import assert_requests
from tests.contract.conftest import connected
from tests.contract.factory import Factory

# The names of a picture and of the data that belongs to it.
UNLIKE = [
    ("a.png", "labels.json"),
    ("a.b.png", "c.d.json"),
    ("x" * 200 + ".png", "y.jsonl"),
    ("a.PNG", "a.png.json"),
    ("사진 .png", "기록.json"),
]
HAVE_FILES = (Task, Assignment, DataUnit, DataFile, GroundTruth, GroundTruthEvent, Model, PluginRelease)


@pytest.fixture(scope="session")
def uploaded(tmp_path_factory) -> Path:
    """Where the files of `pictures` came from."""
    return tmp_path_factory.mktemp("uploaded")


@pytest.fixture(scope="session")
def pictures(box, tables, uploaded):
    """A project of three tasks, whose units have a picture and a data file each."""
    project = Factory(tables, tables.Tenant.objects.get(code="contract")).project()
    with connected(box, "contract") as session:
        for number in range(3):
            Image.new("L", (8, 8), number).save(uploaded / f"사진 {number}.png")
            (uploaded / f"{number}.json").write_text(f'{{"number": {number}}}')
            files = {"image_1": uploaded / f"사진 {number}.png", "data_meta_1": uploaded / f"{number}.json"}
            unit = DataCollection.objects.get(project.data_collection_id).add(files)
            Task.objects.create(project_id=project.pk, data_unit=unit)
    session.close()
    return project


@pytest.fixture
def project(session, pictures):
    """The project of pictures, for all tests that read it."""
    return pictures


def paths(folder: Path) -> list[str]:
    """List the files below a folder, without its marker."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path != ".synapse-downloads")


class TestDownload:
    @pytest.mark.parametrize("entity", HAVE_FILES, ids=lambda entity: entity.__name__)
    def test_of_every_entity_with_files(self, demo, tmp_path, entity):
        """Each file of each row comes by one request, the rows by one list; a second run needs the list only."""
        query = entity.objects.using(demo)
        with demo.trace() as first:
            report = query.download(tmp_path / "out")
        with demo.trace() as second:
            again = query.download(tmp_path / "out")

        assert (0, 0) == (len(report.failed), len(again.failed))
        assert len(report) == len(report.downloaded) == len(again.present) == len(paths(tmp_path / "out")) > 0
        assert (len(report) + 1, 1) == (len(first), len(second))

    def test_of_tasks_reads_the_light_list(self, session, project, tmp_path):
        """Tasks are read with nothing but their files, a page at a time."""
        with session.trace() as calls:
            report = Task.objects.filter(project=project.pk).download(tmp_path / "out")
        tasks = list(Task.objects.filter(project=project.pk))

        assert ["/sdk/tasks/files/"] == [call.path for call in calls if "/media/" not in call.path]
        assert [(task.id, name) for task in tasks for name in ("image_1", "data_meta_1")] == [
            (outcome.key, outcome.specification) for outcome in report
        ]

    def test_gives_each_file_its_place_and_its_bytes(self, session, project, uploaded, tmp_path):
        """A file goes to `specification/key_name`, as it was uploaded."""
        Task.objects.filter(project=project.pk).order_by("-id").download(tmp_path / "out")
        first, second, third = Task.objects.filter(project=project.pk)
        named = [
            f"data_meta_1/{task.id}_사진 {number}.json" for number, task in enumerate((first, second, third))
        ]
        named += [
            f"image_1/{task.id}_사진 {number}.png" for number, task in enumerate((first, second, third))
        ]

        assert sorted(named) == paths(tmp_path / "out")
        assert (uploaded / "사진 1.png").read_bytes() == (tmp_path / "out" / named[4]).read_bytes()

    @pytest.mark.parametrize("names", UNLIKE, ids=lambda names: names[0])
    def test_uploaded_again_makes_the_same_units(self, session, make, tmp_path, names):
        """Files of one unit come back as pairs, whatever they were called, and no unit is there twice."""
        collection = DataCollection.objects.get(make.collection().pk)
        for number in range(2):
            picture, data = (tmp_path / f"{number}{name}" for name in names)
            Image.new("L", (8, 8), number).save(picture, "PNG")
            data.write_text(f'{{"number": "{number} {names}"}}')
            collection.add({"image_1": picture, "data_meta_1": data})
        units = list(collection.units.all().order_by("id"))
        collection.units.all().download(tmp_path / "out")
        report = collection.upload(tmp_path / "out")

        assert (["reused"] * 2, [unit.id for unit in units]) == (
            [outcome.status for outcome in report],
            sorted(outcome.unit.id for outcome in report),
        )

    def test_goes_on_by_the_names_of_the_version_before(self, session, project, tmp_path):
        """A folder that an earlier version began keeps its names; what is there is not fetched again."""
        query = Task.objects.filter(project=project.pk)
        query.download(tmp_path / "out")
        marker = tmp_path / "out" / ".synapse-downloads"
        told = json.loads(marker.read_text())
        assert 2 == told.pop("layout")
        marker.write_text(json.dumps(told))
        for number, task in enumerate(query[:2]):
            path = tmp_path / "out" / "data_meta_1" / f"{task.id}_사진 {number}.json"
            path.rename(path.with_name(f"{task.id}_{number}.json"))
        (tmp_path / "out" / "data_meta_1" / f"{query[2].id}_사진 2.json").unlink()
        report = query.download(tmp_path / "out")

        assert ([f"{query[2].id}_2.json"], 5) == (
            [each.path.name for each in report.downloaded],
            len(report.present),
        )

    def test_fetches_what_is_missing(self, session, project, tmp_path):
        """Only a file that was removed is fetched again."""
        tasks = Task.objects.filter(project=project.pk)
        gone = tasks.download(tmp_path / "out")[2].path
        gone.unlink()
        report = tasks.download(tmp_path / "out", progress=True)

        assert ([gone], 5) == ([outcome.path for outcome in report.downloaded], len(report.present))

    def test_of_a_slice(self, session, project, tmp_path):
        """A slice downloads its rows only."""
        report = Task.objects.filter(project=project.pk)[1:2].download(tmp_path / "out")

        assert [Task.objects.filter(project=project.pk)[1].id] * 2 == [outcome.key for outcome in report]

    def test_of_a_relation(self, session, project, tmp_path):
        """The sets of a related object download as well."""
        report = DataCollection.objects.get(project.data_collection_id).units.download(tmp_path / "out")

        assert (6, 0) == (len(report.downloaded), len(report.failed))

    def test_of_one_specification(self, session, project, tmp_path, caplog):
        """The files of some specifications are enough; one that no row has is warned of."""
        tasks = Task.objects.filter(project=project.pk)
        with caplog.at_level(logging.WARNING, "synapse"):
            report = tasks.download(tmp_path / "out", specifications=["image_1", "data_meta_2"])

        assert ["image_1"] * 3 == [outcome.specification for outcome in report]
        assert [
            "no row has a file 'data_meta_2' (did you mean 'data_meta_1'?), only 'image_1', 'data_meta_1'"
        ] == caplog.messages

    def test_of_a_name_that_no_file_has(self, session, project, tmp_path):
        """A name that is mistyped is an error, with the names that there are."""
        tasks = Task.objects.filter(project=project.pk)
        words = r"no row has a file 'image1' \(did you mean 'image_1'\?\), only 'image_1', 'data_meta_1'"
        with pytest.raises(QueryError, match=words):
            tasks.download(tmp_path / "out", specifications=["image1"])

        assert 0 == len(tasks[10:20].download(tmp_path / "out", specifications=["image1"]))

    def test_into_a_folder_of_other_rows(self, session, project, tmp_path):
        """Task 1 and data unit 1 would have one place: the second kind of rows is refused before anything is read."""
        Task.objects.filter(project=project.pk).download(tmp_path / "out")
        before = paths(tmp_path / "out")
        units = DataUnit.objects.filter(data_collection=project.data_collection_id)
        with (
            assert_requests(0),
            pytest.raises(TransferError, match=r"holds files of Task rows .* not of DataUnit"),
        ):
            units.download(tmp_path / "out")

        assert before == paths(tmp_path / "out")

    def test_of_several_fields(self, session, project, make, tmp_path):
        """An assignment has its primary file, and all those of its unit."""
        make.assignments([make.tables.Task.objects.filter(project=project).first()])
        report = Assignment.objects.filter(project=project.pk).download(
            tmp_path / "out", fields=["file", "files"]
        )

        assert ["", "image_1", "data_meta_1"] == [outcome.specification for outcome in report]

    def test_is_of_a_file_that_is_gone(self, session, make, tmp_path):
        """Files that the storage has lost are failures of their own."""
        tasks = make.tasks(2)
        report = Task.objects.filter(project=tasks[0].project_id).download(tmp_path / "out")

        assert ([404, 404], []) == (
            [outcome.error.status_code for outcome in report.failed],
            paths(tmp_path / "out"),
        )

    def test_uses_a_cache(self, session, project, tmp_path):
        """What a cache holds is fetched once, into however many folders."""
        files = DataFile.objects.filter(data_collection=project.data_collection_id)
        cache = FileCache(tmp_path / "cache")
        with session.trace() as calls:
            for folder in ("a", "b"):
                files.download(tmp_path / folder, cache=cache)

        assert (6, paths(tmp_path / "a")) == (
            sum("/media/" in call.path for call in calls),
            paths(tmp_path / "b"),
        )


class TestUrlConversion:
    def test_rewrites_the_addresses_of_a_field(self, session, project, tmp_path):
        """The call gets each address and gives the one that is fetched."""
        seen: list[str] = []

        def convert(url: str) -> str:
            seen.append(url)
            return "data:,moved"

        tasks = Task.objects.filter(project=project.pk)
        report = tasks.download(
            tmp_path / "out", url_conversion={"files": convert}, specifications=["image_1"]
        )

        assert (6, True) == (len(seen), all(url.startswith(f"{session.host}/media/") for url in seen))
        assert "bytes instead of" in str(report[0].error)

    @pytest.mark.parametrize("convert", [lambda url: None, lambda url: 1 / 0], ids=["nothing", "raises"])
    def test_that_fails_fails_for_its_file(self, session, project, tmp_path, convert: Callable[[str], Any]):
        """An address that cannot be had is told for each file."""
        tasks = Task.objects.filter(project=project.pk)
        report = tasks.download(tmp_path / "out", url_conversion={"files": convert})

        assert 6 == len(report.failed)
        assert {TransferError, ZeroDivisionError} >= {type(outcome.error) for outcome in report}


class TestInstance:
    def test_a_file_of_a_task_downloads(self, session, project, uploaded, tmp_path):
        """`task.files[…]` is a file like any other."""
        task = Task.objects.filter(project=project.pk).first()
        path = task.files["image_1"].download(f"{tmp_path}/out/")

        assert (tmp_path / "out" / "사진 0.png", (uploaded / "사진 0.png").read_bytes()) == (
            path,
            path.read_bytes(),
        )

    def test_an_address_without_a_host_works(self, session, project, tmp_path):
        """Installations that give bare paths are served from the session's own host."""
        file = Task.objects.filter(project=project.pk).first().files["data_meta_1"]
        bare = file.with_url(file.url.removeprefix(session.host))

        assert (True, b'{"number": 0}') == (bare.url.startswith("/media/"), bare.read())


class TestUploads:
    def test_a_release_tells_its_progress(self, session, make, tmp_path):
        """An archive is streamed, and counted as it goes."""
        path = tmp_path / "플러그인.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("main.py", bytes(3_000_000))
        steps: list[Any] = []
        plugin = Plugin.objects.get(make.plugin().pk)
        with assert_requests(1):
            plugin.release("1.0.0", path, progress=steps.append)

        size = path.stat().st_size
        assert ((size, size, "플러그인.zip"), True) == (
            (steps[-1].done, steps[-1].total, steps[-1].label),
            len(steps) > 3,
        )

    def test_a_folder_is_no_release(self, session, make, tmp_path):
        """What is no archive is refused before anything is sent."""
        plugin = Plugin.objects.get(make.plugin().pk)
        with assert_requests(0), pytest.raises(TransferError, match="is a folder"):
            plugin.release("1.0.0", tmp_path)

    def test_a_log_entry_carries_a_file(self, session, make, tmp_path):
        """The file of an entry is told of as well, and comes back."""
        path = tmp_path / "기록.txt"
        path.write_text("끝")
        steps: list[Any] = []
        log = JobLog.objects.create(job_id=str(make.job().pk), event="done", file=path, progress=steps.append)

        assert (path.read_bytes(), steps[-1].total) == (log.file.read(), steps[-1].done)
        assert (
            JobLog.objects.filter(job=log.job_id).download(tmp_path / "out")[0].path.read_bytes()
            == path.read_bytes()
        )

    def test_a_large_file_goes_into_no_log_entry(self, session, make, tmp_path):
        """A file that would be held in memory is refused, with the other way to send it."""
        path = tmp_path / "large.bin"
        with path.open("wb") as file:
            file.truncate(17 * 1024 * 1024)
        with (
            assert_requests(0),
            pytest.raises(TransferError, match=r"upload it with DataFile\.objects\.upload"),
        ):
            JobLog.objects.create(job_id=str(make.job().pk), event="done", file=path)

    def test_a_file_goes_the_usual_way_where_the_storage_is_not_offered(self, session, tmp_path):
        """`presigned=True` asks first, and takes the backend's word."""
        path = tmp_path / "a.bin"
        path.write_bytes(b"presigned or not")
        with session.trace() as calls:
            file = DataFile.objects.upload(path, presigned=True)

        assert (path.read_bytes(), "/data_files/presigned_upload/upload/") == (
            file.file.read(),
            calls[0].path,
        )
