"""`expand`, `fields` and `omit`: what rows look like."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World


@pytest.fixture(scope="module")
def task(wire: Wire, world: World) -> Any:
    """A reader of one task, shaped by a query."""
    return lambda query="": wire.get(f"tasks/{world.tasks[0]}/?{query}")


class TestExpand:
    def test_relation_is_a_key_without_it(self, task: Any, world: World) -> None:
        """A relation stands under its own name, as a key."""
        assert (world.project, world.units[0]) == (task()["project"], task()["data_unit"])

    @pytest.mark.parametrize(
        "query",
        [
            "expand=data_unit",
            "expand=data_unit,assignment",
            "expand=assignment&expand=data_unit",
            "expand[]=data_unit",
            "expand=~all",
            "expand=*",
            "expand=nonsense,data_unit",
        ],
    )
    def test_opens_the_relation(self, task: Any, world: World, query: str) -> None:
        """Comma lists, repeated keys, brackets and wildcards all open the unit with its files."""
        unit = task(query)["data_unit"]

        assert (world.units[0], {"frame": 0}) == (unit["id"], unit["meta"])
        assert "picture_0.png" == unit["files"]["image_1"]["file_name_original"]

    def test_comma_in_a_repeated_key_is_literal(self, task: Any, world: World) -> None:
        """Commas separate only where the key stands once."""
        assert world.units[0] == task("expand=data_unit,assignment&expand=data")["data_unit"]

    def test_assignment_shows_only_when_asked_for(self, task: Any) -> None:
        """The single assignment is not there without `expand`."""
        assert "assignment" not in task()
        assert task("expand=assignment")["assignment"] is None

    def test_data_is_always_there(self, task: Any) -> None:
        """Expanding the payload changes nothing."""
        assert task("expand=data") == task()

    def test_nests(self, wire: Wire) -> None:
        """A dotted path opens a relation of a relation."""
        plugin = wire.plugin()
        body = {"action": "train", "params": {"seconds": 0}}
        job = wire.post(f"plugins/{plugin['code']}/run/", body).json()["job_id"]

        row = wire.get(f"jobs/{job}/?expand=plugin_release.plugin,logs")

        assert plugin["code"] == row["plugin_release"]["plugin"]["code"]
        assert [] == row["logs"]


class TestFields:
    @pytest.mark.parametrize(
        "query", ["fields=id,data", "fields=id&fields=data", "fields[]=id&fields[]=data"]
    )
    def test_keeps_only_the_named(self, task: Any, query: str) -> None:
        """Only the named keys come."""
        assert {"id", "data"} == task(query).keys()

    def test_drops_an_expanded_relation_that_is_not_named(self, task: Any) -> None:
        """Opening a relation does not keep it."""
        assert {"id"} == task("fields=id&expand=data_unit").keys()

    def test_narrows_the_nested_object(self, task: Any) -> None:
        """A dotted path keeps keys of the opened object."""
        assert {"meta": {"frame": 0}} == task("fields=data_unit.meta&expand=data_unit")["data_unit"]

    @pytest.mark.parametrize("query", ["fields=nonsense", "fields=", "fields=,"])
    def test_unknown_name_keeps_nothing(self, task: Any, query: str) -> None:
        """A name that is no key is not there, and neither is the empty one."""
        assert {} == task(query)

    def test_blanks_belong_to_the_name(self, task: Any) -> None:
        """No key begins with a blank."""
        assert {"id"} == task("fields=id, data").keys()

    @pytest.mark.parametrize("word", ["*", "~all", "id,*"])
    def test_wildcards_keep_everything(self, task: Any, word: str) -> None:
        """But for what is omitted; nested objects have wildcards of their own."""
        assert task() == task(f"fields={word}")
        assert task().keys() - task(f"fields={word}&omit=data").keys() == {"data"}

    def test_shapes_lists_too(self, wire: Wire, world: World) -> None:
        """Rows of a page are shaped the same way."""
        rows = wire.get(f"sdk/tasks/?project={world.project}&fields=id&page_size=3")["results"]

        assert [{"id": pk} for pk in world.tasks[:-4:-1]] == rows


class TestOmit:
    def test_removes_the_named(self, task: Any) -> None:
        """The named keys do not come."""
        assert task().keys() - task("omit=data,meta").keys() == {"data", "meta"}

    def test_reaches_into_nested_objects(self, task: Any) -> None:
        """A dotted path removes a key of the opened object only."""
        row = task("omit=data_unit.files&expand=data_unit")

        assert ("files" in row["data_unit"], "meta" in row["data_unit"]) == (False, True)


def test_collection_shows_specifications_as_keys_or_objects(wire: Wire, world: World) -> None:
    """`file_specifications` are keys until they are expanded."""
    path = f"data_collections/{world.collection}/"

    closed, opened = wire.get(path), wire.get(f"{path}?expand=file_specifications")

    specifications = opened["file_specifications"]
    assert closed["file_specifications"] == [specification["id"] for specification in specifications]
    assert ["image_1", "data_meta_1"] == [specification["name"] for specification in specifications]
