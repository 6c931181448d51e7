"""The flat client's models and ground truths: one test for each method."""

from __future__ import annotations

import zipfile

from pathlib import Path
from typing import Any

import pytest
import requests

from synapse import BackendClient, NotFoundError
from tests.contract.factory import NUMBERS, Factory


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Write a zip archive."""
    path = tmp_path / "weights.zip"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("weights.txt", f"weights {next(NUMBERS)}")
    return path


@pytest.fixture
def model(client: BackendClient, archive: Path) -> dict[str, Any]:
    """Create a model."""
    return client.create_model({"name": f"model {next(NUMBERS)}"}, file=archive)


@pytest.fixture
def dataset(make: Factory) -> Any:
    """Make a dataset of three ground truths, and a version of it with their events."""
    made = make.dataset()
    units = make.units(3)
    version = make.tables.GroundTruthVersion.objects.create(ground_truth_dataset=made, version="1")
    for index, unit in enumerate(units):
        truth = make.tables.GroundTruth.objects.create(
            ground_truth_dataset=made, data_unit=unit, category="train", data={"n": index}
        )
        for event in make.tables.GroundTruthEvent.objects.filter(pgh_obj_id=truth.pk):
            event.ground_truth_dataset_versions.add(version)
    return made


class TestModels:
    @pytest.mark.parametrize("form", ["beside", "inside", "open"])
    def test_create_model(self, client: BackendClient, make: Factory, archive: Path, form: str) -> None:
        """Its archive may be a path or an open file, beside the fields or among them."""
        body: dict[str, Any] = {
            "name": "신호 Detector",
            "plugin": make.release().plugin.code,
            "version": "1.0.0",
        }
        with archive.open("rb") as handle:
            file = {"beside": None, "inside": str(archive), "open": handle}[form]
            made = client.create_model({**body, "file": file}, file=archive if file is None else None)

        assert "신호 Detector" == made["name"]
        assert archive.read_bytes() == requests.get(made["file"], timeout=30).content

    def test_create_model_without_archive(self, client: BackendClient) -> None:
        """It is created of its fields; a `None` is not sent."""
        assert client.create_model({"name": "bare", "checkpoint": None})["file"] is None

    def test_list_models(self, client: BackendClient, model: dict[str, Any]) -> None:
        """A page, newest first."""
        assert model["id"] == client.list_models({"page_size": 1})["results"][0]["id"]

    def test_get_model(self, client: BackendClient, model: dict[str, Any]) -> None:
        """With the address of its archive, as the wire has it."""
        rows = client.get_model(model["id"]), client.get_model(model_id=model["id"])

        assert ([model["id"]] * 2, "http") == ([row["id"] for row in rows], rows[0]["file"][:4])

    def test_get_model_with_its_archive(
        self, client: BackendClient, model: dict[str, Any], archive: Path
    ) -> None:
        """Fetched, where that is asked."""
        row = client.get_model(model["id"], url_conversion={"files_fields": ["file"], "is_list": False})

        assert archive.read_bytes() == row["file"].read_bytes()
        assert client.files_dir == row["file"].parent

    def test_get_model_at_another_address(self, client: BackendClient, model: dict[str, Any]) -> None:
        """What a call makes of the address, and nothing is fetched."""
        row = client.get_model(model["id"], None, {"file": lambda url: f"mirror:{url[:4]}"})

        assert "mirror:http" == row["file"]


class TestGroundTruths:
    def test_list_ground_truths(self, client: BackendClient, dataset: Any) -> None:
        """A page, and all of them, newest first."""
        page = client.list_ground_truths({"ground_truth_dataset": dataset.pk})
        rows, count = client.list_ground_truths(
            {"ground_truth_dataset": dataset.pk}, list_all=True, page_size=2
        )

        assert (3, [2, 1, 0]) == (count, [row["data"]["n"] for row in rows])
        assert (3, [2, 1, 0]) == (page["count"], [row["data"]["n"] for row in page["results"]])

    def test_list_ground_truth_versions(self, client: BackendClient, dataset: Any) -> None:
        """Those of one dataset."""
        page = client.list_ground_truth_versions({"ground_truth_dataset": dataset.pk, "is_archived": False})

        assert ["1"] == [row["version"] for row in page["results"]]

    def test_get_ground_truth_version(self, client: BackendClient, dataset: Any) -> None:
        """By its key, under both of its names."""
        pk = dataset.versions.get().pk
        rows = client.get_ground_truth_version(pk), client.get_ground_truth_version(version_id=pk)

        assert ["1", "1"] == [row["version"] for row in rows]
        with pytest.raises(NotFoundError):
            client.get_ground_truth_version(10**9)


class TestEvents:
    def test_list_ground_truth_events(self, demo_client: BackendClient) -> None:
        """Of one version; a list of keys travels as a repeated one."""
        version = demo_client.list_ground_truth_versions()["results"][0]["id"]
        params = {"ground_truth_dataset_versions": [version]}
        page = demo_client.list_ground_truth_events(params)
        rows, count = demo_client.list_ground_truth_events({**params, "page_size": 2}, list_all=True)

        assert page["count"] == count == len(page["results"]) > 2
        assert page["results"] == list(rows)

    @pytest.mark.parametrize(("kind", "keys"), [("data", {"id", "data"}), ("files", {"id", "files"})])
    def test_list_ground_truth_events_by_part(
        self, demo_client: BackendClient, kind: str, keys: set[str]
    ) -> None:
        """`list_ground_truth_events_data` and `list_ground_truth_events_files`: nothing but what they are called."""
        listing = {
            "data": lambda *args, **kwargs: demo_client.list_ground_truth_events_data(*args, **kwargs),
            "files": lambda *args, **kwargs: demo_client.list_ground_truth_events_files(*args, **kwargs),
        }[kind]
        page = listing({"ordering": "-pgh_id"})
        rows, count = listing(list_all=True, page_size=2)

        assert keys <= set(page["results"][0])
        assert (page["count"], page["results"]) == (count, list(rows))
