"""Wire v1: how objects are created, changed and deleted."""

from __future__ import annotations

import pytest

from synapse.dialects import V1, Request
from synapse.dialects.v1 import V1Table
from synapse.entities import DataCollection, GroundTruthEvent, JobLog, Plugin, Project, Task
from synapse.errors import QueryError
from synapse.orm import Entity

TASK = {"project_id": 1, "data_unit_id": 2}


def table(cls: type[Entity]) -> V1Table:
    """Return an entity as wire v1 has it."""
    return V1().table(cls._schema, cls._catalog)


class TestNames:
    def test_a_relation_goes_by_its_bare_name(self) -> None:
        """The wire calls the key what Python calls the object."""
        names = table(Task).names

        assert ("project", "data_unit", "meta") == (names["project_id"], names["data_unit_id"], names["meta"])

    def test_no_two_fields_share_a_name(self) -> None:
        """Not even where the wire calls the original's key `id`."""
        names = table(GroundTruthEvent).names

        assert ("id", "pgh_id") == (names["ground_truth_id"], names["pgh_id"])
        assert len(set(names.values())) == len(names)


class TestCreate:
    def test_sends_one_object(self) -> None:
        """With the names of the wire."""
        request = table(Project).create({"title": "T", "data_collection_id": None})

        assert Request("POST", "projects/", json={"title": "T", "data_collection": None}) == request

    def test_sends_a_list_of_one_where_the_wire_takes_lists(self) -> None:
        """Tasks, units and logs are always made by lists."""
        assert [{"project": 1, "data_unit": 2}] == table(Task).create(TASK).json

    def test_asks_for_what_always_is_nested(self) -> None:
        """Else the answer would lack what was just sent."""
        assert "data_collections/?expand=file_specifications" == table(DataCollection).create({}).target

    def test_many_go_by_one_request(self) -> None:
        """In the order given."""
        request = table(JobLog).create_many([{"job_id": "j", "event": "a"}, {"job_id": "j", "event": "b"}])

        assert (
            Request("POST", "logs/", json=[{"job": "j", "event": "a"}, {"job": "j", "event": "b"}]) == request
        )

    def test_many_go_one_by_one_elsewhere(self) -> None:
        """There is no such request."""
        assert table(Project).create_many([{}]) is None


class TestChange:
    @pytest.mark.parametrize(("cls", "method"), [(Task, "PATCH"), (Plugin, "PUT")])
    def test_sends_what_changed(self, cls: type[Entity], method: str) -> None:
        """Plugins take a part by PUT."""
        request = table(cls).change(5, values={"name": "x"})

        assert (method, {"name": "x"}) == (request.method, request.json)

    def test_names_the_object_and_the_keys(self) -> None:
        """Single objects have a path of their own, apart from the list."""
        assert Request("PATCH", "tasks/5/", json={"project": 7}) == table(Task).change(
            5, values={"project_id": 7}
        )

    @pytest.mark.parametrize("pk", ["..", "", None])
    def test_refuses_a_key_that_walks(self, pk: str | None) -> None:
        """A write must not reach another resource."""
        with pytest.raises(QueryError, match="is no key"):
            table(Plugin).change(pk, values={})


class TestDelete:
    def test_names_the_object(self) -> None:
        """And nothing else."""
        assert Request("DELETE", "tasks/5/") == table(Task).delete(5)

    def test_refuses_a_key_that_walks(self) -> None:
        """`plugins/../` is the root."""
        with pytest.raises(QueryError, match="is no key"):
            table(Plugin).delete("..")
