"""Wire v1: how objects are created, changed and deleted."""

from __future__ import annotations

import pytest

from synapse.dialects import V1, Request
from synapse.entities import DataCollection, GroundTruthEvent, JobLog, Plugin, Project, Task
from synapse.errors import QueryError
from synapse.orm import Entity

TASK = {"project_id": 1, "data_unit_id": 2}


class TestNames:
    def test_a_relation_goes_by_its_bare_name(self) -> None:
        """The wire calls the key what Python calls the object."""
        names = V1().names(Task._schema)

        assert ("project", "data_unit", "meta") == (names["project_id"], names["data_unit_id"], names["meta"])

    def test_no_two_fields_share_a_name(self) -> None:
        """Not even where the wire calls the original's key `id`."""
        names = V1().names(GroundTruthEvent._schema)

        assert ("id", "pgh_id") == (names["ground_truth_id"], names["pgh_id"])
        assert len(set(names.values())) == len(names)


class TestCreate:
    def test_sends_one_object(self) -> None:
        """With the names of the wire."""
        request = V1().create(Project._schema, {"title": "T", "data_collection_id": None})

        assert Request("POST", "projects/", json={"title": "T", "data_collection": None}) == request

    def test_sends_a_list_of_one_where_the_wire_takes_lists(self) -> None:
        """Tasks, units and logs are always made by lists."""
        assert [{"project": 1, "data_unit": 2}] == V1().create(Task._schema, TASK).json

    def test_asks_for_what_always_is_nested(self) -> None:
        """Else the answer would lack what was just sent."""
        assert (
            "data_collections/?expand=file_specifications" == V1().create(DataCollection._schema, {}).target
        )

    def test_many_go_by_one_request(self) -> None:
        """In the order given."""
        request = V1().create_many(
            JobLog._schema, [{"job_id": "j", "event": "a"}, {"job_id": "j", "event": "b"}]
        )

        assert (
            Request("POST", "logs/", json=[{"job": "j", "event": "a"}, {"job": "j", "event": "b"}]) == request
        )

    def test_many_go_one_by_one_elsewhere(self) -> None:
        """There is no such request."""
        assert V1().create_many(Project._schema, [{}]) is None


class TestChange:
    @pytest.mark.parametrize(("cls", "method"), [(Task, "PATCH"), (Plugin, "PUT")])
    def test_sends_what_changed(self, cls: type[Entity], method: str) -> None:
        """Plugins take a part by PUT."""
        request = V1().change(cls._schema, 5, values={"name": "x"})

        assert (method, {"name": "x"}) == (request.method, request.json)

    def test_names_the_object_and_the_keys(self) -> None:
        """Single objects have a path of their own, apart from the list."""
        assert Request("PATCH", "tasks/5/", json={"project": 7}) == V1().change(
            Task._schema, 5, values={"project_id": 7}
        )

    @pytest.mark.parametrize("pk", ["..", "", None])
    def test_refuses_a_key_that_walks(self, pk: str | None) -> None:
        """A write must not reach another resource."""
        with pytest.raises(QueryError, match="is no key"):
            V1().change(Plugin._schema, pk, values={})


class TestDelete:
    def test_names_the_object(self) -> None:
        """And nothing else."""
        assert Request("DELETE", "tasks/5/") == V1().delete(Task._schema, 5)

    def test_refuses_a_key_that_walks(self) -> None:
        """`plugins/../` is the root."""
        with pytest.raises(QueryError, match="is no key"):
            V1().delete(Plugin._schema, "..")
