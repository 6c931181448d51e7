"""Content that a backend has twice, once through itself and once by its storage: units are found all the same."""

from __future__ import annotations

import os

import pytest

from synapse import (
    DataCollection,
    DataFile,
    FileSpecification,
    Project,
    ServerError,
    Session,
    TransferError,
)
from synapse.dialects import Request, v1_uploads
from synapse.testing import assert_requests, canned
from synapse.transfer.local_file import source_of
from synapse.uploads.checksums import BackendFiles, hash_files

PICTURE = FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True)
WAYS = pytest.mark.parametrize("first", [None, False], ids=["storage first", "backend first"])


@pytest.fixture
def stored(signing):
    """A session with it, current during the test."""
    with Session(signing.url, api_token=signing.api_token) as session:
        yield session
    session.close()


@pytest.fixture
def collection(stored):
    """A collection of pictures."""
    return DataCollection.objects.create(name="both", category="image", file_specifications=[PICTURE])


@pytest.fixture
def photos(tmp_path):
    """Pictures of content that no other test has."""
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(os.urandom(300 + number))
    return sorted(tmp_path.glob("*.png"))


def sent_both_ways(collection, photos, *, first):
    """Make units of files that go one way, and send the files the other way."""
    project = Project.objects.create(title="both", category="image", data_collection=collection)
    collection.upload(photos, project=project, presigned=first)
    for photo in photos:
        DataFile.objects.upload(photo, presigned=first is False)
    return project


class TestUpload:
    @WAYS
    def test_finds_the_units_of_the_older_files(self, collection, photos, first):
        """Whichever way came first, the same upload makes nothing twice."""
        project = sent_both_ways(collection, photos, first=first)

        report = collection.upload(photos, project=project)

        assert (5, 5, 5) == (len(report.reused), collection.units.count(), project.tasks.count())

    def test_asks_for_no_file_that_is_there_once(self, stored, collection, photos):
        """Only what is there under both checksums is looked for."""
        collection.upload(photos)
        DataFile.objects.upload(photos[3])
        with stored.trace() as calls:
            collection.upload(photos)

        assert 2 == len(
            [
                call
                for call in calls
                if call.path.startswith("/data_files/?")
                or (call.method, call.path) == ("GET", "/data_files/")
            ]
        )

    @pytest.mark.parametrize("path", ["nowhere/", "data_files/?checksum=other"])
    def test_goes_by_the_md5_where_nobody_can_tell(self, collection, photos, monkeypatch, path):
        """Where the backend does not tell which file is older, the unit is that of what went through it."""
        sent_both_ways(collection, photos[:1], first=False)
        monkeypatch.setattr(v1_uploads, "files_by_checksum", lambda checksum: Request("GET", path))

        assert ["reused"] == [outcome.status for outcome in collection.upload(photos[:1])]

    def test_sends_what_it_cannot_ask_for(self, collection, photos, monkeypatch):
        """A backend that does not verify checksums is sent the file, whose unit is found again."""
        unit = collection.add(photos[0])
        nowhere = Request("GET", "nowhere/")
        monkeypatch.setattr(v1_uploads, "verify_checksums", lambda checksums: nowhere)

        assert unit == collection.add(photos[0])

    def test_fails_where_that_is_not_to_be_had(self, collection, photos, monkeypatch):
        """While the backend is down, no unit is made that may be a second one."""
        sent_both_ways(collection, photos[:1], first=None)

        def down(checksum):
            raise ServerError("down", status_code=503)

        monkeypatch.setattr(v1_uploads, "files_by_checksum", down)
        report = collection.upload(photos[:2])

        assert ["failed", "created"] == [outcome.status for outcome in report]
        with pytest.raises(ServerError):
            collection.add(photos[0])


class TestAdd:
    def test_sends_nothing_that_is_there(self, stored, collection, photos):
        """A file that went by the storage is known, and so is the unit of it."""
        report = collection.upload(photos)
        with stored.trace() as calls:
            unit = collection.add(photos[2])

        assert report[2].unit == unit
        assert ["/data_files/verify_checksums/", "/data_units/"] == [call.path for call in calls]

    @WAYS
    def test_finds_the_unit_of_the_older_file(self, collection, photos, first):
        """Of content that is there twice, the same unit comes as that of an upload."""
        sent_both_ways(collection, photos, first=first)

        assert {unit.id for unit in collection.units} == {collection.add(photo).id for photo in photos}

    def test_fails_while_the_backend_does_not_say_what_it_has(self, collection, photos, monkeypatch):
        """What may be there under either checksum is not sent blindly."""

        def down(checksums):
            raise ServerError("down", status_code=503)

        monkeypatch.setattr(v1_uploads, "verify_checksums", down)
        with pytest.raises(ServerError):
            collection.add(photos[0])

    def test_needs_a_file_that_stays_as_it_is(self, collection, photos, monkeypatch):
        """A file that is gone before it could be read is told, and nothing is sent."""

        def vanished(session, sources, *, mapped):
            photos[0].unlink()
            return hash_files(session, sources, mapped=mapped)

        monkeypatch.setattr("synapse.uploads.routes.hash_files", vanished)
        with assert_requests(0), pytest.raises(TransferError, match="changed while it was sent"):
            collection.add(photos[0])


class TestByTheSecondApi:
    @pytest.fixture
    def second(self, signing):
        """A session that speaks API v2 only."""
        with Session(signing.url, api_token=signing.api_token, api="v2") as session:
            yield session
        session.close()

    @staticmethod
    def looked(session, do):
        with session.trace() as calls:
            do()
        return [call.path for call in calls if call.path.startswith("/v2/data-files/")]

    def test_new_files_are_looked_for_once(self, collection, second, photos):
        """Beside one page, which tells what the collection has."""
        mine = DataCollection.objects.using(second).get(collection.pk)

        assert 1 + 5 == len(self.looked(second, lambda: mine.upload(photos)))
        assert 1 == len(self.looked(second, lambda: mine.upload(photos)))
        assert 1 == len(self.looked(second, lambda: mine.add(photos[0])))

    def test_files_of_the_first_make_no_second_unit(self, collection, second, photos):
        """In the collection, they are known by the checksum of that API."""
        collection.upload(photos)
        mine = DataCollection.objects.using(second).get(collection.pk)

        assert ["reused"] * 5 == [outcome.status for outcome in mine.upload(photos)]
        assert 5 == collection.units.count()

    def test_a_long_collection_is_not_read(self, photos):
        """Where more pages would have to come, each file is asked for by both of its checksums."""
        page = {"data": [{"checksum": "1"}], "meta": {"pagination": {"next_cursor": "more"}}}
        session = canned({"GET v2/data-files/": page}, api="v2")
        contents = [each.value() for each in hash_files(session, [*map(source_of, photos)], mapped=map)]
        files = BackendFiles(session, 1)

        with assert_requests(1 + 2 * len(photos), session=session):
            assert {} == files.known(contents, mapped=map)
        with assert_requests(2, session=session):
            assert {} == files.known(contents[:1], mapped=map)

    def test_a_row_without_a_checksum_leaves_each_file_to_be_asked_for(self, photos):
        """Nothing tells that it is none of the files."""
        page = {"data": [{"id": 1, "checksum": None}], "meta": {"pagination": {"next_cursor": None}}}
        session = canned({"GET v2/data-files/": page}, api="v2")
        contents = [each.value() for each in hash_files(session, [*map(source_of, photos)], mapped=map)]

        with assert_requests(1 + 2 * len(photos), session=session):
            assert {} == BackendFiles(session, 1).known(contents, mapped=map)
