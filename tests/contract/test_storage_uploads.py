"""Files that go straight to the backend's storage, from the public doors and back again."""

from __future__ import annotations

import logging
import os

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse import DataCollection, DataFile, DataUnit, FileSpecification, Project, Session, Task
from synapse.sandbox import Sandbox
from synapse.uploads.presigned import declined
from tests.objectstore import KEY, MIB


@pytest.fixture
def stored(signing: Sandbox) -> Iterator[Session]:
    """A session with it, current during the test."""
    session = Session(signing.url, api_token=signing.api_token)
    with session:
        yield session
    session.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of pictures, one of which comes in parts."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.png").write_bytes(os.urandom(1000 + number))
    (folder / "large.png").write_bytes(os.urandom(11 * MIB))
    return folder


def collection() -> DataCollection:
    """Make a collection of pictures."""
    picture = FileSpecification(
        name="image_1", file_type="image", is_primary=True, is_required=True, function_type="main"
    )
    return DataCollection.objects.create(name="Photos", category="image", file_specifications=[picture])


class TestDataFile:
    @pytest.mark.parametrize("name", ["00.png", "large.png"])
    def test_goes_there_and_back(self, stored: Session, photos: Path, name: str) -> None:
        """What was put into the storage is read from there, by way of the object."""
        with stored.trace() as calls:
            file = DataFile.objects.upload(photos / name, presigned=True)

        assert [] == [call.path for call in calls if call.method == "POST" and call.path == "/data_files/"]
        assert file.file is not None
        assert (photos / name).read_bytes() == file.file.read()
        assert (photos / name).stat().st_size == file.size

    def test_goes_by_the_backend_unless_asked(self, stored: Session, photos: Path) -> None:
        """One file takes one request, which is the quickest way."""
        with stored.trace() as calls:
            DataFile.objects.upload(photos / "01.png")

        assert ["/data_files/"] == [call.path for call in calls]

    def test_goes_by_the_backend_where_that_declines(self, session: Session, photos: Path) -> None:
        """Without a storage it is asked once, and the file arrives all the same."""
        with session.trace() as calls:
            files = [DataFile.objects.upload(photos / name, presigned=True) for name in ("02.png", "03.png")]

        assert 3 == len(calls)
        assert (2, True) == (len({file.id for file in files}), declined(session))


class TestWithoutAnotherWay:
    """API v2 takes files by the storage only."""

    @pytest.fixture
    def second(self, signing: Sandbox) -> Iterator[Session]:
        """A session that speaks it alone, current during the test."""
        with Session(signing.url, api_token=signing.api_token, api="v2") as made:
            yield made

    def test_one_unit_is_added(self, second: Session, photos: Path) -> None:
        """Its file is found again, and lies where the first one was put."""
        target = collection()
        unit = target.add(photos / "00.png")

        assert unit.pk == target.add({"image_1": photos / "00.png"}).pk
        assert [unit.pk] == [each.pk for each in target.units]

    def test_large_files_go_there_too(
        self, second: Session, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What goes in chunks otherwise, since those go on after a crash."""
        monkeypatch.setattr("synapse.uploads.routes.LARGEST_DIRECT", 1000)

        assert 1 == len(collection().upload([photos / "01.png"]).created)

    def test_to_forbid_it_is_refused(self, second: Session, photos: Path) -> None:
        """By the words of the API, for each file."""
        report = collection().upload([photos / "02.png"], presigned=False)

        assert "signed addresses of its storage only" in str(report.failed[0].error)


class TestCollection:
    @pytest.mark.parametrize("presigned", [None, True])
    def test_pictures_go_there_and_back(self, stored: Session, photos: Path, presigned: bool | None) -> None:
        """Every item has its unit, whose file comes from the storage as it was."""
        target = collection()

        report = target.upload(sorted(photos.glob("*.png")), presigned=presigned)

        units = list(DataUnit.objects.filter(data_collection=target).order_by("id"))
        assert ([], 13) == (report.failed + report.unknown, len(units))
        assert {path.read_bytes() for path in photos.glob("*.png")} == {
            unit.files["image_1"].read() for unit in units
        }

    def test_second_run_sends_nothing(self, stored: Session, photos: Path) -> None:
        """Files that are in the storage are known by their checksum, and no byte of them travels again."""
        target, paths = collection(), sorted(photos.glob("0*.png"))
        target.upload(paths)

        again = target.upload(paths)

        assert (len(paths), 0) == (len(again.reused), again.bytes_sent)

    def test_never_if_told_so(self, stored: Session, photos: Path) -> None:
        """`presigned=False` asks for no address."""
        with stored.trace() as calls:
            collection().upload(sorted(photos.glob("0*.png")), presigned=False)

        assert [] == [call.path for call in calls if "presigned" in call.path]


def test_nothing_secret_is_told(stored: Session, photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither traces nor logs nor reprs show a signature, on the way there or back."""
    caplog.set_level(logging.DEBUG)

    with stored.trace() as calls:
        file = DataFile.objects.upload(photos / "large.png", presigned=True)
        assert file.file is not None
        file.file.read()

    shown = f"{calls} {list(calls)!r} {caplog.text} {file!r} {file.file!r}"
    assert "photos/tenants" in shown
    assert not [
        word for word in ("X-Amz-Signature=", KEY) if word in shown.replace("X-Amz-Signature=***", "")
    ]


class TestSecondGeneration:
    def test_pictures_become_units_and_tasks(self, signing: Sandbox, photos: Path) -> None:
        """By API v2 as well, which confirms by MD5, and counts the tasks that it makes."""
        with Session(signing.url, api_token=signing.api_token, api="v2") as session, session.trace() as calls:
            target = collection()
            project = Project.objects.create(title="P", category="image", data_collection=target)
            report = target.upload(sorted(photos.glob("*.png")), project=project)
            tasks = {task.data_unit_id: task.id for task in Task.objects.filter(project=project)}

        assert ([], 13) == (report.failed + report.unknown, len(tasks))
        assert {item.unit.id: item.task.id for item in report.created} == tasks
        assert all(call.path.startswith(("/v2/", "http")) for call in calls)

    def test_a_second_run_sends_nothing(self, signing: Sandbox, photos: Path) -> None:
        """What the backend has is told file by file."""
        with Session(signing.url, api_token=signing.api_token, api="v2"):
            target, pictures = collection(), sorted(photos.glob("0*.png"))[:3]
            first, again = target.upload(pictures), target.upload(pictures)

        assert [3, 3, 0] == [len(first.created), len(again.reused), again.bytes_sent]
