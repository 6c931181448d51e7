"""Data files and units on canned answers."""

from __future__ import annotations

import pytest

from synapse import (
    DataCollection,
    DataFile,
    DataUnit,
    FileSpecification,
    MappingError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.downloads import RemoteFile
from synapse.testing import canned, page


class TestOddAnswers:
    @pytest.mark.parametrize(
        "answer", [None, [], {}, {"existing_checksums": None}, {"existing_checksums": [1]}]
    )
    def test_about_checksums_are_told(self, answer):
        """An answer that lists no checksums says nothing about files."""
        session = canned({"POST data_files/verify_checksums/": answer})

        with pytest.raises(TransportError, match="existing_checksums"):
            DataFile.objects.using(session).existing(["a"])

    @pytest.mark.parametrize("answer", [None, {}, [{"name": "x"}], [{"id": "x"}], "done"])
    def test_to_units_leave_them_unknown(self, answer, tmp_path):
        """After a success without readable rows, a unit may exist: it did not fail."""
        (tmp_path / "a.png").write_bytes(b"a")
        spec = {"id": 1, "name": "image_1", "file_type": "image"}
        replies = {
            "GET data_collections/1/": {
                "id": 1,
                "name": "c",
                "category": "image",
                "file_specifications": [spec],
            },
            "GET data_units/": page(),
            "POST data_files/verify_checksums/": {"existing_checksums": []},
            "POST data_files/": {"id": 3, "checksum": "c"},
            "POST data_units/": answer,
        }
        collection = DataCollection.objects.using(canned(replies)).get(1)

        report = collection.upload([tmp_path / "a.png"], presigned=False)

        assert ["unknown"] == [each.status for each in report]

    @pytest.mark.parametrize("row", [{"checksum": "c"}, {"id": "x"}])
    def test_to_a_file_leave_it_unknown(self, row, tmp_path):
        """A file that was sent, and whose answer names no key, may be there."""
        (tmp_path / "a.png").write_bytes(b"a")
        session = canned({"POST data_files/": row})

        with pytest.raises(WriteUnconfirmedError):
            DataFile.objects.using(session).upload(tmp_path / "a.png")

    def test_a_file_of_another_unit_is_sent_by_its_checksum(self):
        """Files whose checksum is known make up another unit."""
        file = RemoteFile(url="/media/a.png", checksum="0" * 32, path="day/a.png")
        session = canned({"POST data_units/": [{"id": 1, "data_collection": 1}]})

        DataUnit.objects.using(session).create(data_collection_id=1, files={"image_1": file})

        sent = session.requests[0].json[0]["files"]
        assert {"image_1": {"checksum": "0" * 32, "path": "day/a.png"}} == sent

    @pytest.mark.parametrize(
        "file", [RemoteFile(url="/media/a.png"), "/media/a.png"], ids=["file", "address"]
    )
    def test_a_file_without_a_checksum_is_refused(self, file):
        """A bare address makes up no unit, so it is not sent."""
        session = canned({})

        with pytest.raises(
            MappingError, match=r"DataUnit.files.*: .* 'a.png' is not known.* collection.add\(\)"
        ):
            DataUnit.objects.using(session).create(data_collection_id=1, files={"image_1": file})

        assert [] == session.requests


class TestFileSpecification:
    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"file_type": "imag"}, "str 'imag' is no file type .did you mean 'image'"),
            ({"file_type": "image", "function_type": "man"}, "no function type .did you mean 'main'"),
            ({"file_type": 5}, "Values: image, video, audio, text, pcd, data"),
        ],
    )
    def test_takes_what_the_wire_lists(self, values, said):
        """Where it is made, by itself and inside a collection."""
        with pytest.raises(MappingError, match=said):
            FileSpecification(name="image_1", **values)
        with pytest.raises(MappingError, match=r"FileSpecification|file_specifications\[0\]"):
            DataCollection(name="c", category="image", file_specifications=[{"name": "image_1", **values}])

    def test_of_a_newer_backend_is_read_and_written_back(self):
        """What a backend has numbered may be of a type that is not known here."""
        mesh = {"id": 9, "name": "mesh_1", "file_type": "mesh", "is_primary": True}
        row = {"id": 1, "name": "c", "category": "image", "file_specifications": [mesh]}
        [found] = DataCollection.objects.using(canned({"GET data_collections/": page(row)}))

        found.file_specifications = [*found.file_specifications, {"name": "image_1", "file_type": "image"}]

        assert ["mesh", "image"] == [each.file_type for each in found.file_specifications]
