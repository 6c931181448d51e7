"""Uploads that would send the wrong thing: stopped at every door before anything is sent."""

from __future__ import annotations

import random

import pytest

from synapse import (
    BulkError,
    DataCollection,
    DataFile,
    DataUnit,
    FileSpecification,
    MappingError,
    SynapseError,
    TransferError,
)
from synapse.testing import assert_requests
from synapse.transfer import SharedNameWarning

pytestmark = pytest.mark.usefixtures("session")

PICTURE = FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True)
DATA = FileSpecification(name="data_meta_1", file_type="data", function_type="meta")
PAGE = b"<!DOCTYPE html><title>Sign in</title>"

DOORS = {
    "upload": lambda w, path, way: w.collection.upload([path], on_error="raise", check_content=way),
    "upload to the storage": lambda w, path, way: w.collection.upload(
        [path], on_error="raise", presigned=True, check_content=way
    ),
    "folder": lambda w, path, way: w.collection.upload(path.parent, on_error="raise", check_content=way),
    "add": lambda w, path, way: w.collection.add(path, check_content=way),
    "DataFile": lambda w, path, way: DataFile.objects.upload(path, check_content=way),
    "DataFile in chunks": lambda w, path, way: DataFile.objects.upload(path, chunked=True, check_content=way),
    "DataFile to the storage": lambda w, path, way: DataFile.objects.upload(
        path, presigned=True, check_content=way
    ),
    "flat": lambda w, path, way: w.flat(way).create_data_file(path),
    "flat unit": lambda w, path, way: w.flat(way).upload_data_file(
        {"files": {"image_1": path}}, w.collection.id
    ),
    "flat units": lambda w, path, way: w.flat(way).upload_data_collection(
        w.collection.id, [{"files": {"image_1": path}}]
    ),
}


@pytest.fixture
def world(client):
    """A collection of pictures, and flat clients that are strict or not."""

    class World:
        collection = DataCollection.objects.create(
            name="One", category="image", file_specifications=[PICTURE, DATA]
        )

        @staticmethod
        def flat(strict):
            client.strict = strict
            return client

    return World()


@pytest.fixture
def fill(tmp_path):
    """Write files of these names and random content into a folder."""

    def written(*names, content=None):
        for name in names:
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(random.randbytes(80) if content is None else content)
        return tmp_path / "photos"

    return written


@pytest.mark.combinations("door, content", DOORS, [b"", PAGE])
def test_what_is_no_picture_is_not_sent(world, fill, door, content):
    """An empty picture and a web page in its place, by each way to send one."""
    path = fill("a.png", content=content) / "a.png"

    with assert_requests(0), pytest.raises(SynapseError, match="it was not sent. check_content=False"):
        DOORS[door](world, path, True)


@pytest.mark.parametrize("door", DOORS)
def test_it_can_be_sent_all_the_same(world, fill, door):
    """Who means it says so; the flat client by `strict=False`."""
    DOORS[door](world, fill("a.png", content=PAGE) / "a.png", False)


@pytest.mark.parametrize("door", ["upload", "add"])
def test_another_type_leaves_no_file_behind(world, fill, door):
    """What its name shows to be text is not sent to be refused as a picture."""
    path = fill("r.md") / "r.md"

    with assert_requests(0), pytest.raises((MappingError, BulkError), match="'.*r.md' is text by its name"):
        DOORS[door](world, path, True)


class TestFolders:
    def test_that_nobody_paired_send_nothing(self, world, fill):
        """Neither a picture nor a file of labels goes up."""
        folder = fill("images/a.jpg", "labels/a.json")

        with assert_requests(0), pytest.raises(TransferError, match="say folders="):
            world.collection.upload(folder)

    def test_are_paired_as_they_are_named(self, world, fill):
        """The units have both files, under their paths below the folder."""
        folder = fill("images/d/a.jpg", "labels/d/a.json", "data.yaml")
        report = world.collection.upload(folder, folders={"image_1": "images", "data_meta_1": "labels"})

        assert {"image_1": "images/d/a.jpg", "data_meta_1": "labels/d/a.json"} == {
            name: file.path for name, file in report[0].unit.files.items()
        }

    def test_are_looked_at_by_patterns(self, world, fill):
        """What is left out is no item and no failure."""
        folder = fill("a.jpg", "a.txt", "classes.txt", "previews/a.jpg", "@eaDir/a.jpg")
        report = world.collection.upload(folder, exclude=["classes.txt", "previews/"])

        assert (1, 1) == (len(report.created), len(report))
        assert 1 == len(world.collection.upload(folder, include="a.*", exclude="previews/"))

    @pytest.mark.parametrize("name", ["folders", "include", "exclude"])
    def test_are_what_layouts_are_for(self, world, fill, name):
        """Items are chosen by whoever lists them."""
        with assert_requests(0), pytest.raises(TransferError, match=rf"upload\({name}=...\) is for a folder"):
            world.collection.upload([fill("a.jpg") / "a.jpg"], **{name: {"image_1": "images"}})

    def test_may_be_as_deep_as_paths_are_long(self, world, fill):
        """A path that no backend takes fails before it is sent, with what to do."""
        deep = "/".join(["d" * 200] * 5)
        folder = fill("a.jpg", f"{deep}/{'x' * 30}.jpg")
        report = world.collection.upload(folder)

        assert ["created", "failed"] == [outcome.status for outcome in report]
        assert "has 1,039 characters, and a file is remembered by 1,024 at most" in str(report[1].error)


class TestRoot:
    NAMES = ("day1/0001.jpg", "day2/0001.jpg", "day2/in/0001.jpg")

    def paths(self, outcomes):
        """Give what the backend remembers of each picture."""
        keys = [outcome.unit.id for outcome in outcomes]
        units = DataUnit.objects.in_bulk(keys)
        return [units[key].files["image_1"].path for key in keys]

    def test_keeps_the_folders_of_absolute_paths(self, world, fill):
        """Items, and single units."""
        root = fill(*self.NAMES)
        report = world.collection.upload(sorted(root.rglob("*.jpg")), root=root)
        unit = world.collection.add(fill("day3/0001.jpg") / "day3/0001.jpg", root=root)

        assert [*self.NAMES] == self.paths(report)
        assert "day3/0001.jpg" == unit.files["image_1"].path

    @pytest.mark.parametrize("how", ["folder", "items", "files"])
    def test_rides_on_the_items_of_outcomes(self, world, fill, how):
        """A run's outcomes are given again, to another collection too, and the paths stay."""
        root = fill(*self.NAMES)
        items = [root / name for name in self.NAMES]
        given = {
            "folder": root,
            "items": items,
            "files": [{"files": {"image_1": str(each)}} for each in items],
        }
        report = world.collection.upload(given[how], **({} if how == "folder" else {"root": root}))
        other = DataCollection.objects.create(
            name="Two", category="image", file_specifications=[PICTURE, DATA]
        )

        assert [*self.NAMES] == self.paths(other.upload([outcome.item for outcome in report]))

    def test_may_lie_above_a_folder(self, world, fill):
        """The paths then tell of the folder as well."""
        root = fill(*self.NAMES)

        assert [f"photos/{name}" for name in self.NAMES] == self.paths(
            world.collection.upload(root, root=root.parent)
        )

    def test_is_never_left(self, world, fill, tmp_path):
        """A path outside of it is sent to nobody."""
        root = fill(*self.NAMES)
        with assert_requests(0):
            (outcome,) = world.collection.upload([root / "day1/0001.jpg"], root=root / "day2")

        assert "does not lie below root=" in str(outcome.error)
        with assert_requests(0), pytest.raises(TransferError, match="does not lie below root="):
            world.collection.upload(root, root=root / "day1")

    @pytest.mark.parametrize("options", [{}, {"dry_run": True}])
    def test_is_named_where_names_are_the_same(self, world, fill, options):
        """One warning, at the line of the call."""
        root = fill(*self.NAMES)
        with pytest.warns(SharedNameWarning, match="several files are called '0001.jpg'.*root=") as told:
            world.collection.upload([root / name for name in self.NAMES], **options)

        assert [__file__] == [each.filename for each in told]


class TestOriginalPaths:
    FOLDERS = {"image_1": "images", "data_meta_1": "labels"}
    NAMES = ("images/day1/0001.jpg", "images/day2/0001.jpg", "labels/day1/0001.json")

    def test_come_back_and_go_up_again(self, world, fill, tmp_path):
        """A collection is laid out as it was, and uploaded again gives the same units."""
        root = fill(*self.NAMES)
        first = world.collection.upload(root, folders=self.FOLDERS)
        world.collection.units.all().download(tmp_path / "out", original_paths=True)
        again = world.collection.upload(tmp_path / "out", folders=self.FOLDERS)

        assert {name: (root / name).read_bytes() for name in self.NAMES} == {
            path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
            for path in (tmp_path / "out").rglob("[!.]*.*")
        }
        assert ([o.unit for o in first], 0) == ([o.unit for o in again.reused], again.bytes_sent)

    def test_of_two_files_are_told(self, world, fill, tmp_path):
        """Files that are remembered by one name are not both saved, in this run and in the next one."""
        root = fill(*self.NAMES[:2])
        with pytest.warns(SharedNameWarning):
            world.collection.upload(sorted(root.rglob("*.jpg")))
        runs = [
            world.collection.units.order_by("id").download(tmp_path / "out", original_paths=True)
            for _ in "ab"
        ]

        assert [["downloaded", "failed"], ["present", "failed"]] == [
            [each.status for each in run] for run in runs
        ]
        assert "another file of this download lies at '0001.jpg'" in str(runs[0][1].error)

    def test_lead_through_no_link(self, world, fill, tmp_path):
        """A link in the folder that leads out of it is not followed, however deep it lies."""
        root = fill("a/b/c/0001.jpg")
        world.collection.upload(root)
        (tmp_path / "out/a").mkdir(parents=True)
        (tmp_path / "out/a/b").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "elsewhere").mkdir()
        (outcome,) = world.collection.units.all().download(tmp_path / "out", original_paths=True)

        assert "is a link that leads out of" in str(outcome.error)
        assert [] == list((tmp_path / "elsewhere").iterdir())

    def test_of_one_file_in_two_units_are_one(self, world, fill, tmp_path):
        """A picture that two units share is saved once, and both are told as done."""
        root = fill("a.jpg", "a.json", "b.json")
        items = [
            {"files": {"image_1": root / "a.jpg", "data_meta_1": root / name}}
            for name in ("a.json", "b.json")
        ]
        world.collection.upload(items)
        report = world.collection.units.all().download(tmp_path / "out", original_paths=True)

        assert ([], 4) == (report.failed, len(report))
        assert ["a.jpg", "a.json", "b.json"] == sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
