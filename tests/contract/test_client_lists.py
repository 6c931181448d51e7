"""The flat client's lists: what they refuse, how they are read, and what is done with the files in them."""

from __future__ import annotations

import copy
import math
import socket

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from synapse import (
    BackendClient,
    ClientError,
    NotFoundError,
    QueryError,
    Retry,
    StatusLabel,
    Task,
    TransferError,
)
from synapse.client.conversion import conversion
from synapse.client.exceptions import ClientConnectionError, ClientTimeoutError
from synapse.sandbox import Sandbox
from tests.contract.factory import Factory
from tests.faults.hostile import Proxy, reset
from tests.servers import Received, Server, reply


def keys(rows: Any) -> list[int]:
    """Read the keys of rows."""
    return [row["id"] for row in rows]


def address_of(box: Sandbox) -> tuple[str, int]:
    """Read where the sandbox listens."""
    parts = urlsplit(box.url)
    return str(parts.hostname), int(parts.port or 80)


def targets(trace: Any) -> list[str]:
    """Read which pages were asked for."""
    return [f"{call.path}{mark}{query}" for call in trace for _, mark, query in [call.url.partition("?")]]


class TestParameters:
    @pytest.mark.parametrize(
        ("method", "params", "words"),
        [
            (
                "list_tasks",
                {"projct": 1},
                r"sdk/tasks/ has no parameter 'projct' \(did you mean 'project'\?\)",
            ),
            ("list_tasks", {"limit": 10}, "sdk/tasks/ has no parameter 'limit'"),
            ("list_assignments", {"task": 1}, r"did you mean 'tasks'"),
            ("list_data_units", {"search": "a"}, "data_units/ has no parameter 'search'"),
            ("list_jobs", {"state": "FAILED"}, "did you mean 'status'"),
            ("list_models", {"is_relesed": True}, "did you mean 'is_released'"),
            ("list_ground_truth_events", {"ground_truths": 1}, "did you mean 'ground_truth'"),
            ("list_tasks", {"ordering": "-titel"}, r"cannot be ordered by '-titel'.*Orders: id, created"),
            ("list_tasks", "project=1", "params must be a mapping"),
            ("list_tasks", {"project": {"id": 1}}, "cannot travel in an address"),
            ("list_tasks", {"project": 10**5000}, "cannot travel in an address"),
        ],
        ids=lambda value: value if isinstance(value, str) and value.startswith("list_") else "",
    )
    def test_that_are_ignored_are_refused(
        self, client: BackendClient, method: str, params: Any, words: str
    ) -> None:
        """A backend that does not know them answers with everything; nothing is sent."""
        for list_all in (False, True) if method.startswith("list_tasks") else (False,):
            with client.session.trace() as trace, pytest.raises(QueryError, match=words):
                getattr(client, method)(params, **({"list_all": True} if list_all else {}))
            assert [] == list(trace)

    def test_are_sent_anyway_where_that_is_asked(self, box: Sandbox) -> None:
        """A client that is not strict sends what it is given."""
        client = BackendClient(box.url, box.tenants["contract"].api_token, strict=False)
        with client, client.session.trace() as trace:
            client.list_tasks({"projct": 1, "ordering": "title"})
            list(client.list_tasks({"ordering": "title", "page_size": 2}, list_all=True)[0])

        assert "/sdk/tasks/?projct=1&ordering=title" == targets(trace)[0]
        assert "/sdk/tasks/?ordering=title&page=1&page_size=2" == targets(trace)[1]

    def test_travel_as_their_types_say(self, client: BackendClient) -> None:
        """A list as a repeated key, a moment in ISO 8601, what is None and no filter not at all."""
        params = {
            "is_discarded": False,
            "status_label": [StatusLabel.COMPLETED, "in_progress"],
            "created__gte": datetime(2026, 1, 2, tzinfo=UTC),
            "expand": None,
        }
        with client.session.trace() as trace:
            client.list_tasks(params)

        asked = "is_discarded=false&status_label=completed&status_label=in_progress"
        assert [f"/sdk/tasks/?{asked}&created__gte=2026-01-02T00:00:00%2B00:00"] == targets(trace)

    @pytest.mark.parametrize("list_all", [False, True], ids=["page", "all"])
    def test_of_several_values_mean_all_of_them(
        self, client: BackendClient, make: Factory, list_all: bool
    ) -> None:
        """A repeated key would mean its last value only."""
        tasks = [task.pk for task in make.tasks(4, project=make.project())]
        asked: list[dict[str, Any]] = [{"ids": tasks[:3]}, {"id__in": tuple(tasks[:3])}]
        found = [client.list_tasks({**params, "page_size": 9}, list_all=list_all) for params in asked]  # type: ignore[call-overload]

        assert [3, 3] == [each[1] if list_all else each["count"] for each in found]
        every = client.list_tasks()["count"]
        assert every - 3 == client.list_tasks({"ids_ex": set(tasks[:3])})["count"]

    @pytest.mark.parametrize("method", ["list_jobs", "list_tasks"])
    def test_of_one_value_take_no_more(self, client: BackendClient, method: str) -> None:
        """The backend would heed the last one only."""
        name, values = {"list_jobs": ("status", ["failed", "succeeded"]), "list_tasks": ("project", [1, 2])}[
            method
        ]
        with client.session.trace() as trace, pytest.raises(QueryError, match=f"takes one value of '{name}'"):
            getattr(client, method)({name: values})

        assert [] == list(trace)

    def test_are_spelt_as_the_backend_spells_them(self, client: BackendClient) -> None:
        """In a list as well."""
        with client.session.trace() as trace:
            client.list_jobs({"status": ["Queued"]})
            client.list_jobs({"status": "completed"})
            client.list_tasks({"status_label": ["Completed"], "is_discarded": True})
        with pytest.raises(QueryError, match=r"no job status 'complted'"):
            client.list_jobs({"status": ["complted"]})

        assert ["status=PENDING", "status=SUCCEEDED", "status_label=completed&is_discarded=true"] == [
            each.partition("?")[2] for each in targets(trace)
        ]

    def test_are_left_as_they_were_given(self, client: BackendClient) -> None:
        """Nothing is added to the caller's own mapping."""
        params: dict[str, Any] = {}
        client.list_ground_truths(params)

        assert {} == params

    def test_of_an_unknown_option(self, client: BackendClient) -> None:
        """It is a mistake in the call, as anywhere."""
        with pytest.raises(TypeError, match="list_tasks.. got an unexpected keyword argument 'page_sise'"):
            client.list_tasks(page_sise=3)  # type: ignore[call-overload]


class TestAll:
    @pytest.fixture
    def project(self, make: Factory) -> Any:
        """Make a project of 25 tasks."""
        made = make.project()
        make.tasks(25, project=made)
        return made

    @pytest.mark.parametrize("order", ["id", "-id", "created", "-created,id"])
    def test_come_in_the_order_that_was_asked_for(
        self, client: BackendClient, project: Any, order: str
    ) -> None:
        """The same rows as page after page by hand."""
        params = {"project": project.pk, "ordering": order}
        rows, count = client.list_tasks({**params, "page_size": 4}, list_all=True)

        assert (25, client.list_tasks({**params, "page_size": 100})["results"]) == (count, list(rows))

    def test_need_no_request_to_be_counted(self, client: BackendClient, project: Any) -> None:
        """The first page tells."""
        with client.session.trace() as trace:
            _, count = client.list_tasks({"project": project.pk, "page_size": 100}, list_all=True)

        assert (25, 1) == (count, len(list(trace)))

    def test_begin_where_they_are_asked_to(self, client: BackendClient, project: Any) -> None:
        """From a page on."""
        params = {"project": project.pk, "ordering": "id", "page_size": 10}
        rows, count = client.list_tasks({**params, "page": 3}, list_all=True)

        assert (25, client.list_tasks({**params, "page": 3})["results"]) == (count, list(rows))

    @pytest.mark.parametrize("name", ["page", "page_size"])
    def test_refuse_what_is_no_page(self, client: BackendClient, name: str) -> None:
        """Before anything is sent."""
        with pytest.raises(QueryError, match=rf"params\['{name}'\] must be a whole number"):
            client.list_tasks({name: "last"}, list_all=True)

    def test_come_by_cursor(self, client: BackendClient, project: Any) -> None:
        """Where that is asked; there is no count then."""
        params = {"project": project.pk, "pagination": "cursor", "ordering": "-id", "page_size": 10}
        with client.session.trace() as trace:
            rows, count = client.list_tasks(params, list_all=True)
            found = keys(rows)

        assert (0, 25, sorted(found, reverse=True)) == (count, len(found), found)
        assert all("pagination=cursor" in each for each in targets(trace))

    @pytest.mark.parametrize("shape", [{"fields": "data"}, {"omit": ["id", "data"]}])
    def test_may_come_without_keys(self, client: BackendClient, project: Any, shape: dict[str, Any]) -> None:
        """Then by page numbers."""
        rows, count = client.list_tasks({"project": project.pk, "page_size": 7, **shape}, list_all=True)

        assert (25, 25) == (count, len(list(rows)))

    def test_may_be_paused_between(self, client: BackendClient, project: Any) -> None:
        """One page after the other, however many workers there are."""
        rows, _ = client.list_tasks(
            {"project": project.pk, "page_size": 5}, list_all=True, throttle_seconds=0.01
        )

        assert 25 == len(list(rows))

    @pytest.mark.parametrize(
        "given", [1e-4, (5, 1e-4), {"connect": 5, "read": 1e-4}], ids=["read", "pair", "names"]
    )
    def test_wait_as_long_as_told(self, client: BackendClient, given: Any) -> None:
        """A page that does not come in time is a `ClientError`, as for one page."""
        client.session.settings = attrs.evolve(client.session.settings, retry=Retry(total=0))
        for list_all in (False, True):
            with pytest.raises(ClientTimeoutError) as caught:
                client.list_data_units(timeout=given, list_all=list_all)

            assert 408 == caught.value.status_code

    def test_are_a_client_error_where_the_line_breaks(self, box: Sandbox, project: Any) -> None:
        """In the middle of the rows."""
        with Proxy(address_of(box)) as proxy, broken_after(proxy, box, pages=2) as client:
            rows, _ = client.list_tasks(
                {"project": project.pk, "page_size": 5, "ordering": "created"}, list_all=True
            )
            with pytest.raises(ClientError) as caught:
                list(rows)

        assert isinstance(caught.value, ClientConnectionError)

    def test_may_end_early_where_that_is_noted(self, box: Sandbox, project: Any) -> None:
        """A script that collects failures gets the rows so far, and what failed."""
        failures: list[Any] = []
        with Proxy(address_of(box)) as proxy, broken_after(proxy, box, pages=2) as client:
            params = {"project": project.pk, "page_size": 5, "ordering": "created"}
            rows, count = client.list_tasks(
                params, list_all=True, page_failures=failures, throttle_seconds=0.001
            )
            found = list(rows)

        assert (25, 10) == (count, len(found))
        assert ["ClientConnectionError"] == [each["error"].partition(":")[0] for each in failures]

    def test_can_be_left_in_the_middle(self, client: BackendClient, project: Any) -> None:
        """And the client closed before the rest is read: later calls open new sockets."""
        with client:
            rows, _ = client.list_tasks({"project": project.pk, "page_size": 5}, list_all=True)
            first = next(rows)

        assert 25 == len([first, *rows])

    def test_exist(self, client: BackendClient, project: Any) -> None:
        """Or not."""
        assert client.exists("list_tasks", {"project": project.pk})
        assert not client.exists("list_tasks", {"project": 10**9})
        assert client.exists("list_agents") and client.exists("list_tasks", list_all=True)
        with pytest.raises(QueryError, match="takes the name of a list"):
            client.exists("close")


def broken_after(proxy: Proxy, box: Sandbox, *, pages: int) -> BackendClient:
    """Make a client whose line breaks for good once so many pages have come."""
    proxy.harm(r"GET /sdk/tasks/", reset, nth=pages + 1, times=math.inf)
    return BackendClient(proxy.url, box.tenants["contract"].api_token, retry=Retry(total=0))


class Shelf(Server):
    """A server whose files are told apart by a parameter of their addresses."""

    def __init__(self) -> None:
        self.content = b"old"
        super().__init__(self._give)

    def _give(self, connection: socket.socket, received: Received) -> None:
        body = self.content + b" " + parse_qs(urlsplit(received.target).query)["f"][0].encode()
        connection.sendall(reply(raw=body, headers=[("ETag", f'"{body.decode()}"')]))


class TestConversion:
    def test_maps_the_addresses_of_a_page(self, client: BackendClient, make: Factory) -> None:
        """Nothing is fetched."""
        collection = make.units(2)[0].data_collection_id
        page = client.list_data_units({"data_collection": collection}, url_conversion={"files": str.upper})

        assert ["HTTP"] * 2 == [row["files"]["image_1"]["url"][:4] for row in page["results"]]

    def test_maps_those_of_all_rows(self, client: BackendClient, make: Factory) -> None:
        """In a list of files as well as in an object, and in what is nested."""
        task = make.task()
        files, _ = client.list_tasks_files({"ids": task.pk}, url_conversion={"files": len}, list_all=True)
        nested, _ = client.list_tasks(
            {"ids": task.pk, "expand": "data_unit"}, {"data_unit.files": len}, list_all=True
        )

        assert [int, int] == [
            type(next(files)["files"][0]["url"]),
            type(next(nested)["data_unit"]["files"]["image_1"]["url"]),
        ]

    def test_maps_the_files_of_every_kind(self, demo_client: BackendClient) -> None:
        """Wherever a kind of rows keeps them."""
        given: Any = {"files": lambda url: f"mapped:{url}"}
        pages: list[Any] = [
            demo_client.list_tasks({"expand": "data_unit"}, given),
            demo_client.list_ground_truth_events(url_conversion=given),
            demo_client.get_model(demo_client.list_models()["results"][0]["id"], url_conversion=given),
            list(demo_client.list_tasks({"expand": "data_unit"}, given, list_all=True)[0]),
        ]

        assert [True] * 4 == ["mapped:http" in str(each) for each in pages]
        assert "mapped:mapped:" not in str(pages)

    @pytest.mark.parametrize(
        "call",
        [
            lambda c, given: c.list_tasks({}, given),
            lambda c, given: c.list_tasks({}, given, list_all=True),
            lambda c, given: c.get_model(1, url_conversion=given),
        ],
        ids=["page", "all", "one"],
    )
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"flies": str}, "no row has a field 'flies'.*did you mean 'files'"),
            ({"files_fields": ["fils"]}, "no row has a field 'fils'"),
            ({"files_fields": "files"}, "takes a list of 'files_fields'"),
            ({"is_list": True}, "lacks 'files_fields'"),
        ],
        ids=["mapped", "fetched", "text", "lacking"],
    )
    def test_refuses_what_no_row_has(self, client: BackendClient, call: Any, given: Any, words: str) -> None:
        """Before anything is sent, for one page as for all."""
        with client.session.trace() as trace, pytest.raises(QueryError, match=words):
            call(client, given)

        assert [] == list(trace)

    def test_leaves_what_names_no_file(self, client: BackendClient) -> None:
        """Null, missing and empty fields, entries without an address, and rows that are none."""
        rows: list[Any] = [
            {"files": None, "data_unit": 5},
            {"files": {"image_1": None, "image_2": {"url": None}, "image_3": ""}, "unit": 3},
            {"other": 1},
            7,
        ]
        before = copy.deepcopy(rows)
        for given in (
            {"files": str.upper, "unit.files": str.upper},
            {"files_fields": ["files", "unit.files"]},
        ):
            convert = conversion(client, given)
            assert convert is not None
            convert(rows)

        assert before == rows

    def test_fetches_a_bare_address(self, demo_client: BackendClient) -> None:
        """Text is replaced by a path, alone and in an object or a list."""
        url = demo_client.list_data_units()["results"][0]["files"]["image_1"]["url"]
        rows = [{"file": url}, {"file": {"image_1": url}}, {"file": [url, {"url": "data:text/plain,a%3Fb"}]}]
        convert = conversion(demo_client, {"files_fields": ["file"]})
        assert convert is not None
        convert(rows)

        assert rows[0]["file"] == rows[1]["file"]["image_1"] == rows[2]["file"][0]
        assert b"a?b" == rows[2]["file"][1]["path"].read_bytes()

    def test_fetches_files(self, demo_client: BackendClient) -> None:
        """In place of the address stands a path, once for each file."""
        given = {"files_fields": ["files", "nothing.at.all"], "is_list": True, "coerce": str}
        rows, count = demo_client.list_data_units(list_all=True, url_conversion=given)
        infos = [info for row in rows for info in row["files"].values()]

        fetched = [path for path in demo_client.files_dir.iterdir() if path.is_file()]
        assert len(infos) == 2 * count == len(fetched)
        assert all(Path(info["path"]).stat().st_size == info["meta"]["file_size"] for info in infos)
        assert not any("url" in info for info in infos)

    def test_mends_what_was_spoilt(self, demo_client: BackendClient) -> None:
        """What is there is not trusted by its name alone."""
        given = {"files_fields": ["files"]}
        list(demo_client.list_data_units(list_all=True, url_conversion=given)[0])
        spoilt = next(path for path in demo_client.files_dir.iterdir() if path.is_file())
        spoilt.write_bytes(b"")
        list(demo_client.list_data_units(list_all=True, url_conversion=given)[0])

        assert spoilt.stat().st_size

    def test_tells_files_apart_by_their_whole_address(self, tmp_path: Path) -> None:
        """What of it signs it makes no other file; a file that changed behind its address is fetched anew."""
        with Shelf() as shelf:
            client = BackendClient(shelf.origin, "syn_a", files_dir=tmp_path)
            convert = conversion(client, {"files_fields": ["file"]})
            assert convert is not None
            signed = "&X-Amz-Expires=60&X-Amz-Signature="
            rows = [
                {"file": f"{shelf.origin}/dl?f={each}"}
                for each in (f"1{signed}a", f"2{signed}a", f"1{signed}b")
            ]
            again = copy.deepcopy(rows)
            convert(rows)
            before = [row["file"].read_bytes() for row in rows]  # type: ignore[attr-defined]
            shelf.content = b"new"
            convert(again)

        one, two, same = [row["file"] for row in again]
        assert (one != two, one) == (True, same)
        assert [b"old 1", b"old 2", b"old 1"] == before
        assert [b"new 1", b"new 2", b"new 1"] == [row["file"].read_bytes() for row in again]  # type: ignore[attr-defined]

    def test_leaves_a_page_alone(self, demo_client: BackendClient) -> None:
        """A single page is as the wire has it, as in the documented client."""
        page = demo_client.list_data_units(url_conversion={"files_fields": ["files"]})

        assert page["results"][0]["files"]["image_1"]["url"].startswith("http")

    def test_tells_what_could_not_be_fetched(self, client: BackendClient, make: Factory) -> None:
        """A file that is gone ends the rows."""
        collection = make.units(1)[0].data_collection_id
        rows, _ = client.list_data_units(
            {"data_collection": collection}, url_conversion={"files_fields": ["files"]}, list_all=True
        )

        with pytest.raises(NotFoundError):
            list(rows)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["files"], "must be a mapping"),
            ({"files": "upper"}, r"url_conversion\['files'\] must be a call"),
            ({"file_fields": ["files"]}, "did you mean 'files_fields'"),
            ({"files_fields": "files"}, "takes a list of 'files_fields'"),
            ({"files_fields": ["files"], "coerse": str}, "did you mean 'coerce'"),
            ({"files_fields": ["files"], "coerce": 7}, "and a call 'coerce'"),
        ],
    )
    def test_refuses_what_it_cannot_use(self, client: BackendClient, given: Any, words: str) -> None:
        """Before anything is sent."""
        with client.session.trace() as trace, pytest.raises(QueryError, match=words):
            client.list_tasks(url_conversion=given, list_all=True)

        assert [] == list(trace)

    def test_needs_a_folder(self, box: Sandbox) -> None:
        """One that can be named."""
        with pytest.raises(TransferError, match="files_dir must be the path of a folder"):
            BackendClient(box.url, "syn_x", files_dir=7)  # type: ignore[arg-type]


def test_its_session_is_that_of_the_orm(client: BackendClient, make: Factory) -> None:
    """A script can move over line by line."""
    task = make.task()

    assert (
        client.get_task(task.pk)["project"] == Task.objects.using(client.session).get(id=task.pk).project_id
    )
