"""Data files, collections and their units, models, storages and ground truth."""

from __future__ import annotations

import hashlib
import io
import zipfile

from pathlib import Path

import numpy
import pytest

from PIL import Image

from synapse import (
    DataCollection,
    DataFile,
    DataUnit,
    FileSpecification,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthVersion,
    MappingError,
    Model,
    Plugin,
    QueryError,
    Storage,
    TransferError,
    ValidationError,
)
from synapse.testing import assert_requests, canned, page


@pytest.fixture
def picture(tmp_path: Path):
    """Write a small picture that differs by its shade."""

    def write(shade: int, name: str = "사진.png") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), shade).save(path)
        return path

    return write


@pytest.fixture
def collection(session, make) -> DataCollection:
    """A collection of one picture, and maybe a data file, for each unit."""
    return DataCollection.objects.get(make.collection().pk)


def md5(path: Path) -> str:
    """Give the MD5 of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


class TestDataFile:
    @pytest.mark.parametrize("chunked", [False, True])
    def test_uploads(self, session, picture, chunked):
        """The file arrives as it is, in one piece or in chunks."""
        path = picture(1 + chunked)

        file = DataFile.objects.upload(path, chunked=chunked)

        assert (md5(path), path.read_bytes()) == (file.checksum, file.file.read())

    def test_the_same_content_is_one_file(self, session, picture):
        """Bytes that the backend holds give the file that it has."""
        first = DataFile.objects.upload(picture(3))

        assert first == DataFile.objects.upload(picture(3, "other name.png"))

    def test_tells_its_progress(self, session, picture):
        """The callable sees every byte go."""
        steps, path = [], picture(4)

        DataFile.objects.upload(path, progress=steps.append)

        assert (0, path.stat().st_size) == (steps[0].done, steps[-1].done)

    def test_existing_tells_what_the_backend_holds(self, session, picture):
        """Checksums that are known are returned, each once, whatever was asked beside them."""
        known = DataFile.objects.upload(picture(5)).checksum

        with assert_requests(1):
            assert {known} == DataFile.objects.existing([known, "0" * 32, known])

    def test_existing_asks_in_batches(self, session, make):
        """More checksums than one body should hold are several requests."""
        known = [file.checksum for file in make.files(3)]
        asked = [*(f"{n:032x}" for n in range(1200)), *known]

        with assert_requests(2):
            assert set(known) == DataFile.objects.existing(asked)

    def test_is_found_by_checksum(self, session, make):
        """`filter(checksum=...)` finds the file."""
        file = make.files(1)[0]

        assert [file.pk] == [found.id for found in DataFile.objects.filter(checksum=file.checksum)]


class TestAdd:
    def test_makes_a_unit_of_files(self, collection, picture, tmp_path, tables):
        """Files, meta and groups arrive; the unit is the collection's."""
        data = tmp_path / "a.json"
        data.write_text("{}")
        files = {"image_1": picture(11, "day/사진.png"), "data_meta_1": str(data)}

        unit = collection.add(files, meta={"frame": 1}, groups=["day", "morning"])

        assert ({"frame": 1}, collection, {"image_1", "data_meta_1"}) == (
            unit.meta,
            unit.data_collection,
            set(unit.files),
        )
        assert ("사진.png", files["image_1"].read_bytes()) == (
            unit.files["image_1"].name,
            unit.files["image_1"].read(),
        )
        assert "morning" == tables.DataUnitGroup.objects.get(pk=unit.group).name

    def test_takes_groups_as_an_array(self, collection, picture, tables):
        """Such as a column of a table, which has no plain `!=`."""
        unit = collection.add(picture(11, "a.png"), groups=numpy.array(["day", "night"]))

        assert "night" == tables.DataUnitGroup.objects.get(pk=unit.group).name

    def test_takes_a_bare_path(self, collection, picture):
        """Where one file is required, its path alone will do."""
        assert ["image_1"] == list(collection.add(picture(12)).files)

    def test_keeps_a_relative_path(self, collection, picture, monkeypatch, tmp_path):
        """A relative path is remembered; an absolute one gives only its name."""
        path = picture(13, "day1/a.png")
        monkeypatch.chdir(tmp_path)

        relative, absolute = collection.add("day1/a.png"), DataCollection.ref(collection.id)

        assert "day1/a.png" == relative.files["image_1"].path
        assert "a.png" == absolute.add(picture(14, "day1/a.png")).files["image_1"].path and path.exists()

    def test_reuses_a_unit_of_the_same_files(self, collection, picture):
        """The same composition is the same unit."""
        assert collection.add(picture(15)) == collection.add(picture(15, "again.png"))

    def test_of_a_collection_made_here(self, session, picture):
        """A collection and its specifications are made from nothing."""
        made = DataCollection.objects.create(
            name="digits",
            category="image",
            file_specifications=[FileSpecification(name="image_1", file_type="image", is_primary=True)],
        )

        assert ["image_1"] == [spec.name for spec in made.file_specifications]
        assert made == made.add(picture(16)).data_collection

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ({"imag_1": "a.png"}, "did you mean 'image_1'"),
            ({"data_meta_1": "a.json"}, "needs image_1"),
            ({}, "needs image_1"),
        ],
    )
    def test_checks_the_specifications_first(self, collection, files, said):
        """A file that fits nothing, or one that is missing, is told before anything is sent."""
        with assert_requests(0), pytest.raises(MappingError, match=said):
            collection.add(files)

    def test_a_bare_path_for_several_files_is_refused(self, session, tmp_path):
        """Where two files are required, one path cannot say which it is."""
        specs = [{"name": f"image_{n}", "file_type": "image", "is_required": True} for n in (1, 2)]
        row = {"id": 1, "name": "n", "category": "image", "file_specifications": specs}
        collection = DataCollection.objects.using(canned({"GET data_collections/1/": row})).get(1)

        with pytest.raises(MappingError, match="takes image_1, image_2"):
            collection.add(tmp_path / "a.png")

    @pytest.mark.parametrize(
        "other",
        [{"meta": [1]}, {"meta": {"a": {1, 2}}}, {"groups": "day"}, {"groups": [1]}, {"groups": None}],
        ids=repr,
    )
    def test_checks_everything_before_the_first_file(self, collection, picture, other):
        """Bad meta or groups leave no uploaded file behind."""
        with assert_requests(0), pytest.raises(MappingError):
            collection.add(picture(17), **other)

    def test_a_missing_second_file_keeps_the_first_here(self, collection, picture, tmp_path):
        """All files are looked at before one is sent."""
        with assert_requests(0), pytest.raises(TransferError, match="no file"):
            collection.add({"image_1": picture(18), "data_meta_1": tmp_path / "nope.json"})

    def test_a_file_of_the_wrong_type_makes_no_unit(self, collection, tmp_path):
        """What its name shows to be no picture is refused before it is sent; the backend refuses it as well."""
        path = tmp_path / "notes.txt"
        path.write_text("no picture")

        with assert_requests(0), pytest.raises(MappingError, match="text or data by its name, and image_1"):
            collection.add(path)
        with pytest.raises(ValidationError, match="image_1"):
            collection.add(path, check_content=False)
        assert 0 == collection.units.count()


class TestUpload:
    def test_reports_on_every_item(self, collection, picture, tmp_path):
        """Items are created side by side; a bad one stops no other."""
        items = [picture(21, "a.png"), tmp_path / "nope.png", {"files": {"image_1": picture(22, "b.png")}}]

        report = collection.upload(items)

        assert ["created", "failed", "created"] == [outcome.status for outcome in report]
        assert {outcome.unit.id for outcome in report.created} == {unit.id for unit in collection.units}
        assert all(isinstance(outcome.unit, DataUnit) for outcome in report.created)

    def test_knows_what_was_there(self, collection, picture):
        """A unit that the collection had before is reused."""
        collection.add(picture(23))

        assert ["reused"] == [outcome.status for outcome in collection.upload([picture(23, "again.png")])]


class TestUnits:
    def test_are_made_by_hand(self, session, make):
        """Files that the backend holds make a unit by their checksums."""
        collection, file = make.collection(), make.files(1)[0]
        files = {"image_1": {"checksum": file.checksum, "path": "x/a.png"}}

        unit = DataUnit.objects.create(data_collection=collection.pk, files=files, meta={"a": 1})

        assert ("x/a.png", file.checksum) == (unit.files["image_1"].path, md5_of(unit))

    def test_change_their_meta(self, session, make, tables):
        """Meta that is edited in place is stored."""
        unit = DataUnit.objects.get(make.units(1)[0].pk)
        unit.meta["checked"] = True

        unit.save()

        assert {"frame": 0, "checked": True} == tables.DataUnit.objects.get(pk=unit.id).meta

    def test_an_unknown_checksum_makes_none(self, session, make):
        """One unknown file refuses the whole batch."""
        collection = make.collection()

        with pytest.raises(ValidationError, match="checksum"):
            DataUnit.objects.create(
                data_collection=collection.pk, files={"image_1": {"checksum": "no", "path": "a"}}
            )

        assert 0 == DataUnit.objects.filter(data_collection=collection.pk).count()


def md5_of(unit: DataUnit) -> str | None:
    """Give the checksum of a unit's picture as the backend's table has it."""
    from synapse.sandbox.backend.models import DataUnitFile

    return DataUnitFile.objects.get(data_unit=unit.id).data_file.checksum


class TestModel:
    def test_uploads_its_archive(self, session, make, tmp_path):
        """The archive travels in chunks and reads back as it was."""
        path = tmp_path / "weights.zip"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("w.bin", "0" * 1000)
        release, steps = make.release(), []

        made = Model.objects.create(name="m", file=path, plugin=release.plugin.code, progress=steps.append)

        assert (path.read_bytes(), release.pk, {}) == (made.file.read(), made.neural_net, made.changes)
        assert path.stat().st_size == steps[-1].done
        assert zipfile.is_zipfile(io.BytesIO(Model.objects.get(made.id).file.read()))

    def test_has_a_parent(self, session):
        """`checkpoint` names the model that it was trained from."""
        parent = Model.objects.create(name="parent")

        assert parent.id == Model.objects.create(name="child", checkpoint=parent.id).parent

    def test_is_checked_before_its_archive_is_sent(self, session, tmp_path):
        """A wrong field keeps the archive here."""
        path = tmp_path / "weights.zip"
        path.write_bytes(b"zip")

        with assert_requests(0), pytest.raises(MappingError, match="nmae"):
            Model.objects.create(nmae="m", file=path)


class TestStorage:
    SECRET = {"bucket_name": "b", "secret_key": "hush-hush", "connection": {"string": "hush, too"}}

    @pytest.fixture
    def storage(self, session, make, tables) -> Storage:
        """A storage with credentials, read without them."""
        row = tables.Storage.objects.create(
            tenant=make.tenant, name="s", provider="minio", configuration=self.SECRET
        )
        return Storage.objects.get(row.pk)

    def test_configuration_is_fetched_when_read(self, session, storage):
        """Its settings are asked for once, by the first read."""
        with session.trace() as calls:
            assert self.SECRET == storage.configuration == storage.configuration

        assert [f"/storages/{storage.id}/?with_configuration=true"] == [
            call.url.removeprefix(session.host) for call in calls
        ]

    def test_lists_do_not_carry_it(self, session, storage):
        """A listed storage fetches its settings as well, only when they are read."""
        listed = next(each for each in Storage.objects.all() if each == storage)

        with assert_requests(1):
            assert self.SECRET == listed.configuration

    def test_is_never_shown(self, session, storage):
        """No print of the storage, of the settings or of the traffic shows a secret."""
        with session.trace() as calls:
            settings = storage.configuration
            settings["connection"]["string"] = "hush, again"
            shown = f"{storage!r} {storage} {settings!r} {settings} {settings:} {storage.changes} {storage.to_dict()}"
            storage.save()

        assert "hush" not in f"{shown} {calls} {calls!r} {list(calls)}"

    def test_is_never_shown_in_errors(self, session, storage):
        """A refusal does not repeat the settings that it refuses."""
        with pytest.raises(MappingError) as refused:
            storage.configuration = "password=hush"
        with pytest.raises(MappingError) as unfit:
            storage.configuration = {"secret_key": "hush", "bad": object()}
        storage.configuration["hush"] = object()
        with pytest.raises(MappingError) as unsent:
            storage.save()

        assert "hush" not in f"{refused.value!r} {unfit.value!r} {unsent.value!r}"

    def test_an_edit_in_place_is_saved(self, session, storage):
        """Settings are changed like any JSON field."""
        storage.configuration["bucket_name"] = "new"
        storage.configuration["nested"] = {"a": [1]}
        storage.save()
        storage.configuration["nested"]["a"].append(2)

        storage.save()

        assert {**self.SECRET, "bucket_name": "new", "nested": {"a": [1, 2]}} == Storage.objects.get(
            storage.id
        ).configuration

    def test_a_change_of_the_name_does_not_fetch_it(self, session, storage):
        """Saving another field neither reads nor sends the settings."""
        storage.name = "renamed"

        with session.trace() as calls:
            storage.save()

        assert [{"name": "renamed"}] == [call.body for call in calls]

    def test_default_is_the_marked_internal_one(self, session):
        """The backend's own storage is found."""
        assert ("internal", True) == ((found := Storage.objects.default()).category, found.is_default)

    @pytest.mark.parametrize(("marks", "expected"), [([False, True], 2), ([False, False], 1)])
    def test_default_falls_back_to_the_first(self, marks, expected):
        """Where none is marked, the first internal storage is it."""
        rows = [{"id": n, "category": "internal", "is_default": mark} for n, mark in enumerate(marks, 1)]

        with canned({"GET storages/": page(*rows)}):
            assert expected == Storage.objects.default().id

    def test_without_an_internal_one_there_is_no_default(self):
        """That is told, rather than given as None."""
        with canned({"GET storages/": page()}), pytest.raises(QueryError, match="no internal storage"):
            Storage.objects.default()


class TestGroundTruth:
    @pytest.fixture
    def dataset(self, session, make) -> GroundTruthDataset:
        """A dataset of three ground truths."""
        made = GroundTruthDataset.objects.create(name="d")
        units = make.units(3)
        GroundTruth.objects.bulk_create(
            GroundTruth(ground_truth_dataset=made, data_unit_id=unit.pk, data={"n": n}, classes=["가"])
            for n, unit in enumerate(units)
        )
        return made

    def test_freezing_keeps_what_it_was(self, dataset):
        """A version's events stay as they were, whatever is changed later."""
        version = dataset.freeze("1.0", description="first")
        truth = dataset.ground_truths.first()
        truth.data = {"n": 99}
        truth.save()

        events = sorted(version.events, key=lambda event: event.data["n"])

        assert [{"n": 0}, {"n": 1}, {"n": 2}] == [event.data for event in events]
        assert ("1.0", "first", dataset, 3) == (
            version.version,
            version.description,
            version.ground_truth_dataset,
            version.events.count(),
        )
        assert {"n": 99} == dataset.freeze("2.0").events.filter(ground_truth=truth.id).first().data

    def test_a_version_exists_once(self, dataset):
        """Freezing under the same name is refused."""
        dataset.freeze("1.0")

        with pytest.raises(ValidationError, match="unique"):
            dataset.freeze("1.0")

        assert 1 == dataset.versions.count()

    def test_events_lead_back(self, dataset):
        """An event knows its ground truth, its unit and its files."""
        event = dataset.freeze("1.0").events.first()

        assert (dataset, event.data_unit_id) == (event.ground_truth_dataset, event.ground_truth.data_unit_id)
        assert ["image_1"] == list(event.files) == list(event.data_unit.files)

    def test_is_found_by_version(self, dataset):
        """Ground truths are filtered by the version that froze them, object or key."""
        version = dataset.freeze("1.0")

        assert 3 == GroundTruth.objects.filter(ground_truth_dataset_versions=version).count()
        assert [version] == list(GroundTruthVersion.objects.filter(ground_truth_dataset=dataset))

    def test_gives_its_splits(self, dataset):
        """The parts of a dataset are filtered by category."""
        first = dataset.ground_truths.first()
        first.category = "test"
        first.save()

        assert ([first], 2) == (
            list(dataset.ground_truths.filter(category="test")),
            dataset.ground_truths.filter(category="train").count(),
        )


class TestPluginCategories:
    def test_stay_text_where_they_are_new(self):
        """A category that this SDK does not know is kept, and sent back, as it came."""
        row = {"id": 1, "code": "c", "name": "n", "category": "teleport"}
        session = canned({"GET plugins/1/": row, "PUT plugins/1/": {**row, "name": "m"}})
        plugin = Plugin.objects.using(session).get(1)
        plugin.name = "m"

        plugin.save()

        assert ("teleport", {"name": "m"}) == (plugin.category, session.requests[-1].json)
