"""The flat client's filters: what would be none is refused, unless the client isn't strict; and empty answers."""

from __future__ import annotations

import itertools
import math

from typing import Any

import numpy as np
import pytest

from synapse import BackendClient, Project, QueryError, WrongHostError
from synapse.client.exceptions import ClientResponseIncompleteError
from synapse.dialects import Reply
from synapse.testing import HOST, CannedSession, canned, page

KEY = "5f0c8f0a-2a7e-4f5e-9f57-0c8d34a1b2c3"


def client_of(replies: dict[str, Any], *, strict: bool = True) -> tuple[BackendClient, CannedSession]:
    """Make a flat client that gets these answers."""
    client, session = BackendClient(HOST, "t", strict=strict), canned(replies)
    client.session.close()
    client.session = session
    return client, session


def asked(params: dict[str, Any], *, strict: bool = True) -> tuple[tuple[str, str], ...]:
    """List tasks, and tell with which parameters they were asked for."""
    client, session = client_of({"GET sdk/tasks/": page([])}, strict=strict)
    client.list_tasks(params)
    return session.requests[0].params


LISTS = {
    "list_agents": ["id"],
    "list_assignments": ["project", "is_discarded", "status_label", "search", "ids"],
    "list_assignments_data": ["tasks"],
    "list_assignments_files": ["created__gte"],
    "list_data_collection": ["category"],
    "list_data_collections": ["category"],
    "list_data_units": ["data_collection"],
    "list_ground_truth_events": ["ground_truth_dataset_version", "classes", "categories"],
    "list_ground_truth_events_data": ["task"],
    "list_ground_truth_events_files": ["category"],
    "list_ground_truth_versions": ["is_archived"],
    "list_ground_truths": ["ground_truth_dataset"],
    "list_jobs": ["status", "agent"],
    "list_models": ["project", "is_released", "search"],
    "list_serve_applications": ["plugin_code"],
    "list_storages": ["category"],
    "list_task_tags": ["project", "search"],
    "list_tasks": ["project", "ids", "ids_ex", "discarded_filter", "is_discarded", "search"],
    "list_tasks_data": ["id__in"],
    "list_tasks_files": ["schema"],
}
BY_KEY = {"list_job_console_logs", "list_plugin_releases"}


class TestNoFilter:
    @pytest.mark.parametrize("method", LISTS)
    def test_is_refused_by_every_list(self, method: str) -> None:
        """The backend would answer with everything; nothing is sent."""
        client, session = client_of({})
        for name, value in itertools.product(LISTS[method], (None, "", " ", [], [None], [1, None])):
            if (name, value) == ("ids_ex", []):
                continue
            with pytest.raises(QueryError):
                getattr(client, method)({name: value})
        assert [] == session.requests

    def test_is_known_of_every_list(self) -> None:
        """A list that is new belongs into the table."""
        lists = {name for name in vars(BackendClient) if name.startswith("list_")}

        assert lists - BY_KEY == set(LISTS)

    def test_is_refused_where_all_rows_are_asked_for_too(self) -> None:
        """`list_all=True` reads by the same rules."""
        client, session = client_of({})
        with pytest.raises(QueryError, match=r"strict=False\) sends any. Nothing was sent"):
            client.list_tasks({"project": None}, list_all=True)
        assert [] == session.requests

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("search", ","),
            ("search", '"'),
            ("search", "a\0"),
            ("tags", " , "),
            ("ids", ","),
            ("project", math.nan),
            ("project", True),
            ("project", 1.0),
            ("project", "1.5"),
            ("ids", "1,1e2"),
            ("created__gte", math.nan),
            ("search", math.inf),
        ],
        ids=repr,
    )
    def test_is_what_the_backend_takes_for_none(self, name: str, value: Any) -> None:
        """Separators alone, and numbers that no key is."""
        with pytest.raises(QueryError):
            asked({name: value})

    @pytest.mark.parametrize(
        ("params", "sent"),
        [
            ({"project": None, "ids": []}, ()),
            ({"search": ",", "project": ""}, (("search", ","), ("project", ""))),
            ({"is_discarded": "yes"}, (("is_discarded", "yes"),)),
        ],
    )
    def test_is_sent_where_that_is_asked(self, params: dict[str, Any], sent: tuple[Any, ...]) -> None:
        """A client that is not strict leaves out None and empty lists, and sends the rest."""
        assert sent == asked(params, strict=False)

    @pytest.mark.parametrize(
        "params", [{}, {"page": None, "expand": None, "fields": []}, {"ids_ex": []}, None]
    )
    def test_is_meant_where_no_row_is_left_out(self, params: Any) -> None:
        """What chooses pages and fields may be None, and to exclude nothing is to ask for all."""
        assert () == asked(params)


class TestBooleans:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            *((each, "true") for each in (True, 1, "true", "TRUE", "True", np.True_)),
            *((each, "false") for each in (False, 0, "false", "FALSE", "False", np.False_)),
        ],
        ids=repr,
    )
    def test_are_taken_in_any_case(self, value: Any, sent: str) -> None:
        """And as numbers."""
        assert (("is_discarded", sent),) == asked({"is_discarded": value})

    @pytest.mark.parametrize("value", ["yes", "no", "t", "on", 2, -1, 1.0, "", b"true", [True]], ids=repr)
    @pytest.mark.parametrize("name", ["is_discarded", "has_assignment", "assignments__is_discarded"])
    def test_are_nothing_else(self, name: str, value: Any) -> None:
        """The backend ignores it, and answers with everything."""
        if value == [True]:
            value = [True, False]
        with pytest.raises(QueryError, match="takes (True or False|one value)"):
            asked({name: value})

    def test_decide_whether_tags_are_replaced(self) -> None:
        """A word that the backend does not know would add to them."""
        client, session = client_of({})
        with pytest.raises(QueryError, match="takes True or False"):
            client.set_tags_tasks({"task_ids": [1], "tag_ids": [2]}, {"replace": "yes"})
        assert [] == session.requests


@pytest.mark.parametrize(("name", "value"), [("project", "7"), ("ids", " 1 , 2,"), ("id__gt", "-1")])
def test_numbers_may_be_text(name: str, value: str) -> None:
    """Scripts take them from command lines and files."""
    assert ((name, value),) == asked({name: value})


@pytest.mark.parametrize("value", [0, -5, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("name", ["id__gt", "id__gte", "id__lt", "id__lte"])
def test_bounds_are_any_integer(name: str, value: int) -> None:
    """What keys are compared with need not be a key."""
    assert ((name, str(value)),) == asked({name: value})


@pytest.mark.parametrize("params", [{"id__gt": 2**63}, {"id": 0}, {"id": -1}])
def test_keys_and_what_no_column_holds_are_refused(params: Any) -> None:
    """Keys are positive; bounds have 64 bits."""
    with pytest.raises(QueryError, match="takes a positive integer|cannot travel in an address"):
        asked(params)


def test_objects_stand_for_their_keys() -> None:
    """As in the queries of entities."""
    assert (("project", "7"), ("ids", "1,2")) == asked({"project": Project.ref(7), "ids": np.array([1, 2])})


CHANGES = {
    "update_job": lambda c: c.update_job(KEY, {"status": "failed"}),
    "update_plugin": lambda c: c.update_plugin("code", {"name": "n"}),
    "annotate_task_data": lambda c: c.annotate_task_data(1, {"data": {}, "action": "save"}),
    "set_tags_tasks": lambda c: c.set_tags_tasks({"ids": [1], "tags": [2], "action": "add"}),
    "set_tags_assignments": lambda c: c.set_tags_assignments(
        {"ids": [1], "tags": [2], "action": "add"},
    ),
    "run_plugin": lambda c: c.run_plugin("code", {"action": "train"}),
    "health_check_agent": lambda c: c.health_check_agent("a" * 40),
}


class TestObject:
    @pytest.mark.parametrize("strict", [True, False])
    @pytest.mark.parametrize("many", [lambda row: row, lambda row: [row], lambda row: iter([row])])
    def test_of_another_backend_is_refused(self, many: Any, strict: bool) -> None:
        """Its key names another object here."""
        client, session = client_of({"GET sdk/tasks/": page([])}, strict=strict)
        elsewhere = canned({"GET projects/1/": {"id": 1, "title": "Signs"}})
        elsewhere.host = "https://stage.example.com"
        project = Project.objects.using(elsewhere).get(1)

        with pytest.raises(WrongHostError, match=r"stage\.example\.com"):
            client.list_tasks({"project": many(project)})
        assert session.requests == []


class TestEmptyAnswer:
    @pytest.mark.parametrize("status", [200, 204])
    @pytest.mark.parametrize("verb", CHANGES)
    def test_to_a_change_means_that_it_is_done(self, verb: str, status: int) -> None:
        """It gives None, as the documented client does."""
        client, session = client_of({})
        session.send = lambda request: Reply(status, None)  # type: ignore[method-assign]

        assert CHANGES[verb](client) is None

    def test_to_a_change_is_known_of_every_such_verb(self) -> None:
        """A verb that changes something and is new belongs into the table."""
        named = ("update_", "delete_", "annotate_", "set_tags_", "run_", "health_")
        verbs = {name for name in vars(BackendClient) if name.startswith(named)}

        assert verbs - {"annotate_task_data_batch"} == set(CHANGES)

    def test_to_a_creation_leaves_it_unconfirmed(self) -> None:
        """Nobody could say which row it is."""
        client, session = client_of({})
        session.send = lambda request: Reply(204, None)  # type: ignore[method-assign]

        with pytest.raises(ClientResponseIncompleteError):
            client.create_plugin({"name": "n", "code": "c"})
