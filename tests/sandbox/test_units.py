"""Data units: batches that are made whole or not at all, by the collection's rules."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from tests.amounts import either
from tests.sandbox.wire import Wire

MANY: Final = either(1000, 300)
"""Units of the largest batches."""


@pytest.fixture(scope="module")
def collection(wire: Wire) -> int:
    """A collection of one required picture and an optional side file."""
    return int(wire.collection()["id"])


@pytest.fixture
def picture(wire: Wire) -> str:
    """The checksum of a picture that no unit has yet."""
    return str(wire.data_file()["checksum"])


def body(collection: int, checksum: str, **changes: Any) -> dict[str, Any]:
    """Return the body of one unit."""
    return {
        "data_collection": collection,
        "files": {"image_1": {"checksum": checksum, "path": "a.png"}},
    } | changes


class TestCreate:
    def test_list_answers_list_in_order(self, wire: Wire, collection: int) -> None:
        """Units come back in the order of their bodies."""
        bodies = [body(collection, wire.data_file()["checksum"], meta={"n": n}) for n in range(5)]

        units = wire.create("data_units/", bodies)

        assert [0, 1, 2, 3, 4] == [unit["meta"]["n"] for unit in units]
        assert sorted(unit["id"] for unit in units) == [unit["id"] for unit in units]

    def test_object_answers_object(self, wire: Wire, collection: int, picture: str) -> None:
        """A single body makes a single unit, with its files described."""
        unit = wire.create("data_units/", body(collection, picture, meta={"frame": 1}))

        info = unit["files"]["image_1"]
        assert ({"frame": 1}, collection) == (unit["meta"], unit["data_collection"])
        assert ("a.png", "image", True) == (info["file_name_original"], info["file_type"], info["is_primary"])

    def test_same_composition_is_the_same_unit(self, wire: Wire, collection: int, picture: str) -> None:
        """The same files in the same collection are one unit, within a batch and between batches."""
        first, second = wire.create("data_units/", [body(collection, picture)] * 2)

        again = wire.create("data_units/", body(collection, picture, meta={"other": 1}))

        assert first["id"] == second["id"] == again["id"]

    def test_same_composition_elsewhere_is_another_unit(
        self, wire: Wire, collection: int, picture: str
    ) -> None:
        """Collections do not share units."""
        other = wire.collection()["id"]

        units = wire.create("data_units/", [body(collection, picture), body(other, picture)])

        assert 2 == len({unit["id"] for unit in units})

    def test_same_composition_at_once_is_one_unit(self, wire: Wire, collection: int, picture: str) -> None:
        """Requests that race for the same unit all get it."""
        with ThreadPoolExecutor(8) as pool:
            units = list(pool.map(lambda _: wire.create("data_units/", body(collection, picture)), range(8)))

        assert 1 == len({unit["id"] for unit in units})

    def test_groups_are_made_once_and_nested(self, wire: Wire, collection: int) -> None:
        """The last of a unit's group names is its group; the same path is the same group."""
        paths = [["day 1", "north"], ["day 1", "north"], ["day 1"], ["day 2", "north"], None]
        bodies = [body(collection, wire.data_file()["checksum"], groups=path) for path in paths]

        groups = [unit["group"] for unit in wire.create("data_units/", bodies)]

        assert groups[0] == groups[1] and groups[4] is None
        assert 3 == len({*groups[:4]})

    def test_thousand_units_in_one_batch(self, wire: Wire, collection: int) -> None:
        """A batch as large as the vendor's is taken, whatever it is made of; a quick run has 300 units."""
        with ThreadPoolExecutor(8) as pool:
            checksums = list(pool.map(lambda _: wire.data_file()["checksum"], range(MANY // 25)))
        side = [wire.data_file(uuid.uuid4().bytes, name="a.json")["checksum"] for _ in range(25)]
        bodies = [
            body(collection, first)
            | {"files": {"image_1": {"checksum": first}, "data_meta_1": {"checksum": second}}}
            for first in checksums
            for second in side
        ]

        assert MANY == len({unit["id"] for unit in wire.create("data_units/", bodies)})


DOUBLING = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {
    "d40": {"type": "object"}
}
ENDLESS = [
    {"properties": {"a": {"pattern": "^(a+)+$"}}},
    {"properties": {"a": {"p\u0061ttern": "^(a|a)*$"}}},
    {
        "propertyNames": {"not": {"pattern": "^(a+)+$"}},
        "patternProperties": {"^(a+)+$": {}, "a": {"pattern": "(.*)*=" * 9}},
    },
    {"$defs": DOUBLING, "$ref": "#/$defs/d0"},
    {"properties": {"many": {"uniqueItems": True}}},
    {"properties": {"many": {"items": {"allOf": [{"not": {"type": "string"}}] * 1_000}}}},
]


class TestRefusals:
    def test_unknown_checksum_makes_nothing(self, wire: Wire, collection: int, picture: str) -> None:
        """One unknown checksum refuses the batch, and names itself."""
        before = wire.get("data_units/", params={"data_collection": collection})["count"]

        answer = wire.post("data_units/", [body(collection, picture), body(collection, "f" * 32)])

        assert (400, {}, True) == (
            answer.status_code,
            answer.json()[0],
            "f" * 32 in str(answer.json()[1]["files"]),
        )
        assert before == wire.get("data_units/", params={"data_collection": collection})["count"]

    def test_checksum_of_another_workspace(self, wire: Wire, stranger: Wire, collection: int) -> None:
        """Another workspace's file is not there."""
        assert 400 == wire.post("data_units/", body(collection, stranger.data_file()["checksum"])).status_code

    def test_collection_of_another_workspace(self, stranger: Wire, collection: int) -> None:
        """Another workspace's collection is not there."""
        answer = stranger.post("data_units/", body(collection, stranger.data_file()["checksum"]))

        assert (400, ["data_collection"]) == (answer.status_code, list(answer.json()))

    def test_missing_required_file(self, wire: Wire, collection: int, picture: str) -> None:
        """Every required specification must be bound."""
        files = {"data_meta_1": {"checksum": wire.data_file(name="a.json")["checksum"], "path": "a.json"}}

        answer = wire.post("data_units/", body(collection, picture, files=files))

        assert (400, {"files": ["Required file specification “image_1” is missing."]}) == (
            answer.status_code,
            answer.json(),
        )

    def test_unknown_specification(self, wire: Wire, collection: int, picture: str) -> None:
        """A name that the collection does not have is refused."""
        files = {name: {"checksum": picture, "path": "a.png"} for name in ("image_1", "image_9")}

        answer = wire.post("data_units/", body(collection, picture, files=files))

        assert {"files": ["Unknown file specification “image_9”."]} == answer.json()

    @pytest.mark.parametrize(
        ("path", "status"), [("a.json", 400), ("a.PNG", 201), ("a.unheard", 201), ("a", 201)]
    )
    def test_type_of_the_file(
        self, wire: Wire, collection: int, picture: str, path: str, status: int
    ) -> None:
        """A file of another kind is refused; an extension nobody knows is let through."""
        files = {"image_1": {"checksum": picture, "path": path}}

        assert status == wire.post("data_units/", body(collection, picture, files=files)).status_code

    @pytest.mark.parametrize(
        ("kind", "path", "status"),
        [("pcd", "000001.bin", 201), ("pcd", "a.npy", 201), ("pcd", "a.jpg", 400), ("data", "a.jpg", 201)],
    )
    def test_type_of_another_specification(
        self, wire: Wire, picture: str, kind: str, path: str, status: int
    ) -> None:
        """A point cloud may be raw, and data may be anything."""
        spec = {"name": f"{kind}_1", "file_type": kind, "is_primary": True, "function_type": "main"}
        collection = int(wire.collection(category="pcd", file_specifications=[spec])["id"])
        files = {f"{kind}_1": {"checksum": picture, "path": path}}

        assert status == wire.post("data_units/", body(collection, picture, files=files)).status_code

    @pytest.mark.parametrize(("length", "said"), [(1024, None), (1025, "is longer than 1024 characters.")])
    def test_path_of_a_file(
        self, wire: Wire, collection: int, picture: str, length: int, said: str | None
    ) -> None:
        """A path that is too long is told as that."""
        files = {"image_1": {"checksum": picture, "path": "x" * (length - 4) + ".png"}}
        answer = wire.post("data_units/", body(collection, picture, files=files)).json()

        assert (said and [f"The path of “image_1” {said}"]) == (answer["files"] if said else None)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"files": None}, "files"),
            ({"files": ["a"]}, "files"),
            ({"files": {"image_1": "a"}}, "files"),
            ({"files": {"image_1": {"checksum": 7}}}, "files"),
            ({"meta": [1]}, "meta"),
            ({"groups": "day 1"}, "groups"),
            ({"groups": [""]}, "groups"),
            ({"data_collection": "x"}, "data_collection"),
            ({"data_collection": True}, "data_collection"),
        ],
    )
    def test_malformed_body(
        self, wire: Wire, collection: int, picture: str, changes: dict[str, Any], field: str
    ) -> None:
        """What has the wrong shape is refused on its own key."""
        answer = wire.post("data_units/", body(collection, picture) | changes)

        assert (400, [field]) == (answer.status_code, list(answer.json()))

    @pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")
    def test_meta_that_the_collection_does_not_allow(self, wire: Wire, picture: str) -> None:
        """A collection may bring a JSON schema for its units' meta, and every unit must keep to it."""
        schema = {"type": "object", "required": ["frame"], "properties": {"frame": {"type": "integer"}}}
        strict = wire.collection(meta={"data_unit_meta_schema": schema})["id"]

        answers = [wire.post("data_units/", body(strict, picture, meta=meta)) for meta in ({}, {"frame": 1})]

        assert [400, 201] == [answer.status_code for answer in answers]
        assert {"meta": ["'frame' is a required property"]} == answers[0].json()

    @pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")
    @pytest.mark.parametrize(
        "schema", [{"type": 5}, {"type": "nosuch"}, {"$schema": 7}, {"$ref": "http://127.0.0.1:9/schema"}]
    )
    def test_schema_that_is_none(self, wire: Wire, picture: str, schema: dict[str, Any]) -> None:
        """A schema that cannot be used allows no unit, and breaks nothing."""
        strict = wire.collection(meta={"data_unit_meta_schema": schema})["id"]

        answer = wire.post("data_units/", body(strict, picture, meta={"frame": 1}))

        assert (400, ["meta"]) == (answer.status_code, list(answer.json()))

    @pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")
    @pytest.mark.parametrize("schema", either(ENDLESS, ENDLESS[:1]))
    def test_schema_that_takes_for_ever(self, wire: Wire, picture: str, schema: dict[str, Any]) -> None:
        """It is given up after a second, and everybody else is served meanwhile."""
        strict = wire.collection(meta={"data_unit_meta_schema": schema})["id"]
        meta = {"a": "a" * 40 + "!", "many": [{"x": number} for number in range(4_000)]}
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(wire.post, "data_units/", body(strict, picture, meta=meta))
            others = [wire.send("GET", "health/", timeout=10).status_code for _ in range(5)]

        assert [200] * 5 == others
        assert {
            "meta": ["The data_unit_meta_schema of the data collection takes too long."]
        } == asked.result().json()

    @pytest.mark.skipif(find_spec("jsonschema") is None, reason="jsonschema is not installed")
    def test_schema_with_patterns_and_references(self, wire: Wire, picture: str) -> None:
        """They are worked on elsewhere, and mean what they say."""
        schema = {"$defs": {"a": {"pattern": "^b+$"}}, "properties": {"a": {"$ref": "#/$defs/a"}}}
        strict = wire.collection(meta={"data_unit_meta_schema": schema})["id"]

        sent = [body(strict, picture, meta={"a": text}) for text in ("c", "b")]
        answer = wire.post("data_units/", sent)

        assert [{"meta": ["'c' does not match '^b+$'"]}, {}] == answer.json()
        assert 201 == wire.post("data_units/", sent[1]).status_code

    def test_batch_beyond_the_limit(self, wire: Wire, collection: int, picture: str) -> None:
        """More than a thousand units at a time are refused."""
        assert 400 == wire.post("data_units/", [body(collection, picture)] * 1001).status_code

    @pytest.mark.parametrize("sent", [[1], ["a"], [None]])
    def test_elements_that_are_no_objects(self, wire: Wire, sent: list[Any]) -> None:
        """Each element of a list must be an object."""
        answer = wire.post("data_units/", sent)

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()[0]))

    def test_empty_list(self, wire: Wire) -> None:
        """A batch of nothing makes nothing."""
        assert [] == wire.create("data_units/", [])


def test_statements_do_not_grow_with_the_batch(tmp_path: Path) -> None:
    """A thousand units (300 in a quick run) take a few dozen statements, and reusing them less still."""
    program = [sys.executable, "-m", "tests.sandbox.count_queries", str(tmp_path), str(MANY)]

    counted = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)

    few, many, reused = json.loads(counted.stdout)
    assert few <= 20 and many <= 30 and reused <= 10, (few, many, reused)
