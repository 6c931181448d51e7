"""Ground truths, the events they leave, and the versions frozen from them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World


@pytest.fixture
def dataset(wire: Wire) -> int:
    """A dataset with nothing in it."""
    return int(wire.create("ground_truth_datasets/", {"name": "Accepted"})["id"])


@pytest.fixture
def truths(wire: Wire, world: World, dataset: int) -> list[int]:
    """Three ground truths."""
    bodies = [
        {
            "ground_truth_dataset": dataset,
            "data_unit": unit,
            "project": world.project,
            "category": category,
            "data": {"n": n},
            "classes": [name, f"{name}, 둘"],
        }
        for n, (unit, category, name) in enumerate(
            zip(world.units, ["train", "train", "test"], ["stop", "go", "stop"], strict=False)
        )
    ]
    return [row["id"] for row in wire.create("ground_truths/", bodies)]


def freeze(wire: Wire, dataset: int, version: str = "1.0.0") -> int:
    """Freeze the dataset and return the version's key."""
    body = {"ground_truth_dataset": dataset, "version": version, "description": "first"}
    return int(wire.create("ground_truth_dataset_versions/", body)["id"])


def events(wire: Wire, query: str) -> list[dict[str, Any]]:
    """Return the events that a query finds, from the oldest."""
    rows: list[dict[str, Any]] = wire.get(f"sdk/ground_truth_events/?ordering=pgh_id&{query}")["results"]
    return rows


class TestFreezing:
    def test_keeps_what_was_there(self, wire: Wire, dataset: int, truths: list[int]) -> None:
        """A version shows the rows as they were when it was made."""
        version = freeze(wire, dataset)
        wire.send("PATCH", f"ground_truths/{truths[0]}/", json={"data": {"n": "later"}})
        wire.send("DELETE", f"ground_truths/{truths[1]}/")

        frozen = events(wire, f"ground_truth_dataset_versions={version}")

        assert truths == [event["id"] for event in frozen]
        assert [{"n": 0}, {"n": 1}, {"n": 2}] == [event["data"] for event in frozen]

    def test_later_version_has_the_later_state(self, wire: Wire, dataset: int, truths: list[int]) -> None:
        """Each version has one event per row, the newest at its time."""
        first = freeze(wire, dataset)
        wire.send("PATCH", f"ground_truths/{truths[0]}/", json={"data": {"n": "later"}})

        second = freeze(wire, dataset, "2.0.0")

        assert {"n": 0} == events(wire, f"ground_truth_dataset_version={first}")[0]["data"]
        later = events(wire, f"ground_truth_dataset_versions={second}&ground_truth={truths[0]}")
        assert [{"n": "later"}] == [event["data"] for event in later]

    def test_several_versions_give_no_event_twice(self, wire: Wire, dataset: int, truths: list[int]) -> None:
        """Versions can be asked for together, as a list or repeated."""
        first, second = freeze(wire, dataset), freeze(wire, dataset, "2.0.0")

        for query in (f"{first},{second}", f"{first}&ground_truth_dataset_versions={second}"):
            found = events(wire, f"ground_truth_dataset_versions={query}")
            assert truths == [event["id"] for event in found]

    def test_same_version_twice_is_refused(self, wire: Wire, dataset: int) -> None:
        """A version's name is unique in its dataset."""
        freeze(wire, dataset)

        body = {"ground_truth_dataset": dataset, "version": "1.0.0"}
        answer = wire.post("ground_truth_dataset_versions/", body)

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))

    def test_dataset_opens(self, wire: Wire, dataset: int) -> None:
        """The dataset of a version can be expanded."""
        version = wire.get(
            f"ground_truth_dataset_versions/{freeze(wire, dataset)}/?expand=ground_truth_dataset"
        )

        assert (dataset, "Accepted") == (
            version["ground_truth_dataset"]["id"],
            version["ground_truth_dataset"]["name"],
        )


class TestEvents:
    def test_every_write_leaves_one(self, wire: Wire, truths: list[int]) -> None:
        """Creating and changing are remembered in their order."""
        wire.send("PATCH", f"ground_truths/{truths[0]}/", json={"category": "validation"})

        found = events(wire, f"ground_truth={truths[0]}")

        assert [("insert", "train"), ("update", "validation")] == [
            (event["pgh_label"], event["category"]) for event in found
        ]
        assert {truths[0]} == {event["id"] for event in found} == {event["pgh_obj_id"] for event in found}

    def test_shows_files_in_both_places(self, wire: Wire, world: World, truths: list[int]) -> None:
        """Files stand at the top and inside the unit."""
        (event,) = events(wire, f"ground_truth={truths[0]}")

        assert world.units[0] == event["data_unit"]["id"]
        assert event["files"] == event["data_unit"]["files"]
        assert "picture_0.png" == event["files"]["image_1"]["file_name_original"]

    def test_without_a_unit_has_no_files(self, wire: Wire, dataset: int) -> None:
        """A row need not have a unit; its files are an object even then."""
        row = wire.create("ground_truths/", {"ground_truth_dataset": dataset, "category": "test"})

        (event,) = events(wire, f"ground_truth={row['id']}")

        assert ({}, {}, None) == (row["files"], event["files"], event["data_unit"])

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("category=train", [0, 1]),
            ("categories=train&categories=test", [0, 1, 2]),
            ("classes=stop", [0, 2]),
            ("classes=stop,go", [0, 1, 2]),
            ("classes=둘", []),
            ("classes=sto", []),
        ],
    )
    def test_filter_finds(
        self, wire: Wire, dataset: int, truths: list[int], query: str, found: list[int]
    ) -> None:
        """Events and rows are found by split and by whole class names."""
        version = freeze(wire, dataset)

        rows = events(wire, f"ground_truth_dataset_versions={version}&{query}")
        present = wire.get(f"ground_truths/?ground_truth_dataset={dataset}&{query}")["results"]

        assert [truths[place] for place in found] == [row["id"] for row in rows]
        assert [truths[place] for place in found[::-1]] == [row["id"] for row in present]
