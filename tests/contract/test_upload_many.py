"""A folder, or many items, into a collection and a project: what the backend has in the end."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from synapse import (
    BulkError,
    DataCollection,
    FileSpecification,
    Project,
    Session,
    TransferError,
    ValidationError,
)
from synapse.dialects import Request, v1_actions
from synapse.testing import assert_requests
from synapse.uploads import local_state as digests
from tests.amounts import part
from tests.faults.hostile import Proxy, stall

PAIRS = [
    FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True),
    FileSpecification(name="data_meta_1", file_type="data", function_type="meta"),
]
NOWHERE = Request("GET", "nowhere/")
VERIFY, FILE, UNITS = "/data_files/verify_checksums/", "/data_files/", "/data_units/"


@pytest.fixture
def collection(session):
    """A collection of pictures and their data."""
    return DataCollection.objects.create(name="many", category="image", file_specifications=PAIRS)


@pytest.fixture
def project(collection):
    """A project over it."""
    return Project.objects.create(title="many", category="image", data_collection=collection)


@pytest.fixture
def photos(tmp_path):
    """A folder with six pictures, each with its data, of content that no other test has."""
    return filled(tmp_path / "photos", 6)


def filled(folder: Path, count: int, *, size: int = 500) -> Path:
    """Write pictures with their data."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(random.randbytes(size))
        (folder / f"{number}.json").write_text(json.dumps({"frame": os.urandom(8).hex()}))
    return folder


def settled(folder: Path) -> Path:
    """Leave files alone for long enough that a change would show in their times."""
    time.sleep(0.15)
    return folder


def never(*_: Any) -> None:
    """Fail if it is called."""
    raise AssertionError("a file was read")


def asked(calls: Any) -> Counter[str]:
    """Count the requests by their path; whether presigned uploads are offered is asked once in a session."""
    paths = (call.path.partition("?")[0] for call in calls)
    return Counter(path for path in paths if "presigned" not in path)


def statuses(report: Any) -> list[str]:
    """Return the status of each item."""
    return [outcome.status for outcome in report]


@pytest.fixture
def storage_session(signing):
    """The current session, on that backend."""
    with Session(signing.url, api_token=signing.api_token) as session:
        yield session
    session.close()


UPLOADER = """
import sys
from synapse import DataCollection, Session
folder, host, token, collection, project = sys.argv[1:]
with Session(host, api_token=token):
    made = DataCollection.objects.get(int(collection))
    made.upload(folder, project=int(project), workers=4, batch_size=5)
"""


@pytest.fixture
def uploading(session, collection, project):
    """Upload a folder in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, host: str = session.host) -> subprocess.Popen[bytes]:
        where = [str(folder), host, session.settings.api_token, str(collection.id), str(project.id)]
        process = subprocess.Popen([sys.executable, "-c", UPLOADER, *where], stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class TestFolder:
    def test_becomes_units_and_tasks(self, collection, project, photos):
        """Each pair is a unit, in natural order, and has its task; paths are those below the folder."""
        report = collection.upload(photos, project=project)

        assert ["created"] * 6 == statuses(report)
        assert [f"{n}.png" for n in range(6)] == [o.unit.files["image_1"].path for o in report]
        assert [o.unit.id for o in report] == [o.task.data_unit_id for o in report]
        assert {o.task for o in report} == set(project.tasks)

    def test_is_given_as_text_as_well(self, collection, photos):
        """A path may be text; the item of an outcome is one that could be given itself."""
        report = collection.upload(str(photos))
        again = collection.upload([outcome.item for outcome in report])

        assert (["created"] * 6, ["reused"] * 6) == (statuses(report), statuses(again))
        assert {"files": {"image_1": photos / "0.png", "data_meta_1": photos / "0.json"}} == report[0].item

    def test_reports_what_can_be_pickled(self, collection, project, photos):
        """A report comes back with its items, units and tasks; these find the current session."""
        report = collection.upload(photos, project=project)
        again = pickle.loads(pickle.dumps(report))

        assert list(report) == list(again)
        assert "0.png" == again[0].unit.files["image_1"].path

    def test_tells_of_what_does_not_fit(self, collection, photos):
        """A stray file, an orphan and a pipe are failures with their reasons; the rest goes on."""
        (photos / "notes.mp4").write_text("x")
        (photos / "0.png").unlink()
        os.mkfifo(photos / "pipe.png")

        report = collection.upload(photos)

        assert {"created": 5, "failed": 3} == Counter(statuses(report))
        reasons = [str(outcome.error) for outcome in report.failed]
        assert [True] * 3 == [
            any(words in reason for reason in reasons)
            for words in ("needs image_1", "is video by its name", "not a regular file")
        ]

    def test_of_sub_folders(self, collection, photos):
        """A sub-folder for each specification makes the same units as pairs do."""
        for name, spec in (("png", "image_1"), ("json", "data_meta_1")):
            (photos / spec).mkdir()
            for path in photos.glob(f"*.{name}"):
                path.rename(photos / spec / path.name)

        report = collection.upload(photos)

        assert (["created"] * 6, {"image_1", "data_meta_1"}) == (statuses(report), set(report[0].unit.files))


class TestDryRun:
    def test_sends_nothing(self, collection, project, photos):
        """The plan is made of the local disk alone."""
        (photos / "notes.mp4").write_text("x")

        with assert_requests(0):
            report = collection.upload(photos, project=project, dry_run=True)

        assert {"planned": 6, "failed": 1} == Counter(statuses(report))
        assert ["dry run", "planned", "failed", "size"] == [
            line.partition(",")[0].split("  ")[0] for line in str(report).splitlines()[:4]
        ]
        assert 0 == collection.units.count()

    def test_of_items_finds_what_is_wrong(self, collection, photos):
        """Items are checked as they would be."""
        report = collection.upload([photos / "0.png", photos / "nope.png", {"file": 1}], dry_run=True)

        assert (["planned", "failed", "failed"], 500) == (statuses(report), report.bytes_planned)

    @pytest.mark.parametrize("given", [1, "object"])
    def test_asks_nothing_about_the_project(self, collection, project, photos, given):
        """A project that is only a key is not looked up."""
        with assert_requests(0):
            collection.upload(photos, project=project if given == "object" else project.id, dry_run=True)


class TestRequests:
    def test_are_one_for_a_file_and_three_for_a_batch(self, session, collection, project, photos):
        """What is known is asked once for a batch, units and tasks are made once for a batch."""
        with session.trace() as calls:
            collection.upload(photos, project=project.id, batch_size=3)

        assert {FILE: 12, VERIFY: 2, UNITS: 2, "/tasks/": 2, f"/projects/{project.id}/": 1} == asked(calls)

    def test_of_a_second_run_send_no_file(self, session, collection, photos):
        """What the backend has is not sent again, and the units are found again."""
        first = collection.upload(photos)
        with session.trace() as calls:
            report = collection.upload(photos)

        assert (["reused"] * 6, 0) == (statuses(report), report.bytes_sent)
        assert [o.unit for o in first] == [o.unit for o in report]
        assert {VERIFY: 1, UNITS: 2} == asked(calls)

    def test_of_a_larger_folder_send_what_is_missing(self, collection, photos):
        """Of a folder that grew, only the new files are sent."""
        collection.upload(photos)
        (photos / "9.png").write_bytes(random.randbytes(321))

        report = collection.upload(photos)

        assert (["reused"] * 6 + ["created"], 321) == (statuses(report), report.bytes_sent)

    @pytest.mark.parametrize("batch_size", [1, 200])
    def test_send_the_same_content_once(self, session, collection, tmp_path, batch_size):
        """Of many files with one content, one is sent, and one unit is made."""
        paths = [tmp_path / f"{number}.png" for number in range(20)]
        content = random.randbytes(50_000)
        for path in paths:
            path.write_bytes(content)

        with session.trace() as calls:
            report = collection.upload(paths, batch_size=batch_size)

        assert (1, 50_000) == (asked(calls)[FILE], report.bytes_sent)
        assert (1, 19, 1) == (len(report.created), len(report.reused), collection.units.count())

    def test_need_not_be_verified(self, session, collection, photos, monkeypatch):
        """Where the backend does not tell what it has, all is sent, and known content stored once."""
        collection.upload(photos)
        monkeypatch.setattr("synapse.dialects.v1_uploads.verify_checksums", lambda given: NOWHERE)

        report = collection.upload(photos)

        assert (["reused"] * 6, 6) == (statuses(report), collection.units.count())


class TestHashing:
    def test_is_remembered(self, collection, photos, monkeypatch):
        """Files that are known and unchanged are not read again by the next run."""
        collection.upload(settled(photos))
        monkeypatch.setattr("synapse.uploads.checksums.hash_file", never)

        assert ["reused"] * 6 == statuses(collection.upload(photos))

    def test_is_done_again_for_a_changed_file(self, collection, photos):
        """A file that was written to since is read and sent."""
        collection.upload(settled(photos))
        (photos / "3.png").write_bytes(random.randbytes(500))

        report = collection.upload(photos)

        assert ([3], 500) == ([n for n, o in enumerate(report) if o.status == "created"], report.bytes_sent)

    def test_tells_a_file_that_changes_before_it_is_sent(self, collection, photos, monkeypatch):
        """A file that is another one when its turn comes fails, and the others are sent."""
        verify = digests.remember_digests

        def change(*arguments: Any, **options: Any) -> None:
            (photos / "3.png").write_bytes(random.randbytes(501))
            verify(*arguments, **options)

        monkeypatch.setattr("synapse.uploads.checksums.remember_digests", change)
        report = collection.upload(photos)

        assert ["created"] * 3 + ["failed"] + ["created"] * 2 == statuses(report)
        assert isinstance(report[3].error, TransferError)


class TestTasks:
    def test_are_not_doubled(self, collection, project, photos):
        """Units that have their task in the project are good, and what has none gets one."""
        collection.upload(photos, project=project)
        project.tasks.first().delete()

        report = collection.upload(photos, project=project)

        assert (["reused"] * 6, 6) == (statuses(report), project.tasks.count())
        assert {task.data_unit_id: task for task in project.tasks} == {o.unit.id: o.task for o in report}

    def test_that_cannot_be_made_are_told(self, collection, project, photos, tables):
        """A unit of which no task can be made fails, and the report has the unit."""
        unit = collection.upload(photos)[2].unit
        tables.DataUnit.objects.filter(pk=unit.id).update(can_generate_task=False)

        report = collection.upload(photos, project=project)

        assert [unit] == [outcome.unit for outcome in report.failed]
        assert (5, 5) == (len(report.reused), project.tasks.count())

    def test_that_are_refused_for_no_field_are_looked_for(self, collection, project, photos, monkeypatch):
        """A refusal that means something else is told, however many tasks the project has."""
        collection.upload(photos, project=project)
        (photos / "6.png").write_bytes(random.randbytes(200))

        def refused(key, units):
            said = [{"non_field_errors": ["Quota exceeded."]} for unit in units]
            errors = {f"{n}.non_field_errors": ["Quota exceeded."] for n, _ in enumerate(units)}
            raise ValidationError("no", status_code=400, response=said, errors=errors)

        monkeypatch.setattr(v1_actions, "create_tasks", refused)
        report = collection.upload(photos, project=project)

        assert (["reused"] * 6 + ["failed"], 6) == (statuses(report), sum(o.task is not None for o in report))
        assert "Quota exceeded" in str(report[6].error)


class TestEnds:
    def test_by_the_first_row_that_is_refused_on_demand(self, collection, project, photos):
        """The backend refuses the second unit: of those behind it, none is made, and no task."""
        items: list[Any] = [{"files": {"image_1": photos / f"{number}.png"}} for number in range(4)]
        items[1]["groups"] = [""]

        with pytest.raises(BulkError, match="groups") as caught:
            collection.upload(items, project=project, on_error="raise")

        assert (1, 1, 1) == (len(caught.value.succeeded), collection.units.count(), project.tasks.count())
        assert ([items[1]], items[2:]) == ([item for item, _ in caught.value.failed], caught.value.untried)

    def test_by_the_first_failure_on_demand(self, collection, project, photos):
        """What comes before the failure has its unit and task; nothing after it was made."""
        (photos / "3.png").unlink()

        with pytest.raises(BulkError, match="needs image_1") as caught:
            collection.upload(photos, project=project, on_error="raise")

        assert (3, 3, 3) == (len(caught.value.succeeded), collection.units.count(), project.tasks.count())
        assert 2 == len(caught.value.untried)


class TestDeath:
    @pytest.mark.parametrize(
        ("units", "killed_by"),
        part(itertools.product([0, 20], [signal.SIGINT, signal.SIGKILL]), 0),
    )
    def test_leaves_nothing_lost_or_doubled(
        self, collection, project, tables, uploading, tmp_path, killed_by, units
    ):
        """Ended in the middle, the run is repeated, and every item is there exactly once, with its task."""
        folder = filled(tmp_path / "photos", 60)
        process = uploading(folder)
        before = tables.DataFile.objects.count()
        while tables.DataFile.objects.count() < before + 10 or collection.units.count() < units:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(killed_by)
        process.communicate(timeout=20)

        report = collection.upload(folder, project=project)

        assert process.returncode
        assert (60, 60, 60) == (
            len(report.created) + len(report.reused),
            collection.units.count(),
            project.tasks.count(),
        )

    def test_by_ctrl_c_waits_for_no_answer(self, collection, project, session, uploading, photos):
        """The process leaves at once, though files are under way that the backend does not answer."""
        host, port = session.host.removeprefix("http://").split(":")
        with Proxy((host, int(port))) as proxy:
            proxy.harm(r"POST /data_files/$", stall, of="answer", times=99)
            process = uploading(photos, proxy.url)
            while not proxy.requests(r"POST /data_files/$"):
                assert process.poll() is None
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=15)[1]

        assert b"KeyboardInterrupt" in told
        assert ["created"] * 6 == statuses(collection.upload(photos, project=project))


class TestStorage:
    def test_takes_the_files(self, photos, storage_session):
        """Files go to the storage, units and tasks are made of them, and a second run knows them."""
        collection = DataCollection.objects.create(name="s", category="image", file_specifications=PAIRS)
        with storage_session.trace() as calls:
            report = collection.upload(photos)
        again = collection.upload(photos)

        assert (["created"] * 6, 0) == (statuses(report), asked(calls)[FILE])
        assert (["reused"] * 6, 0) == (statuses(again), again.bytes_sent)

    def test_need_not_be_offered(self, collection, photos):
        """Where the backend declines, files go by it, whatever was asked for."""
        assert ["created"] * 6 == statuses(collection.upload(photos, presigned=True))

    def test_is_left_alone_on_demand(self, photos, storage_session):
        """With `presigned=False` files go by the backend."""
        collection = DataCollection.objects.create(name="s", category="image", file_specifications=PAIRS)
        with storage_session.trace() as calls:
            collection.upload(photos, presigned=False)

        assert 12 == asked(calls)[FILE]
