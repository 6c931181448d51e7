"""The flat client itself: how it is made, what it says when something goes wrong, and that it is whole."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import subprocess
import sys

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import synapse

from synapse import BackendClient, ClientError, ConfigError, Task, TransportError
from synapse.client.exceptions import (
    ClientBulkError,
    ClientConnectionError,
    ClientOriginError,
    ClientResponseIncompleteError,
    ClientTimeoutError,
    FileMissingError,
    told,
)
from synapse.clients import exceptions
from synapse.errors import (
    BulkError,
    OriginError,
    QueryError,
    SynapseError,
    TransferError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.sandbox import Sandbox
from tests.contract.factory import Factory

HERE = Path(__file__).parent
HOST = "http://127.0.0.1:9"

# What the documented client and its current release call their methods.
NAMES = """
    get_project get_task annotate_task_data list_tasks create_tasks set_tags_tasks create_chunked_upload
    list_data_collection list_data_collections get_data_collection create_data_file upload_data_file
    create_data_units upload_data_collection list_data_units get_data_unit verify_data_files_checksums
    get_assignment list_assignments set_tags_assignments health_check_agent list_agents get_plugin create_plugin
    update_plugin run_plugin create_plugin_release get_plugin_release list_plugin_releases list_jobs get_job
    update_job list_job_console_logs tail_job_console_logs create_logs list_storages get_storage create_storage
    create_serve_application list_serve_applications list_models get_model create_model list_ground_truth_events
    get_ground_truth_version list_ground_truths list_ground_truth_versions annotate_task_data_batch get_task_tag
    list_task_tags list_tasks_data list_tasks_files list_assignments_data list_assignments_files
    get_plugin_release_by_lookup list_ground_truth_events_data list_ground_truth_events_files get_chunked_upload
    get_default_storage upload_files_bulk request_presigned_upload confirm_presigned_upload
    upload_file_to_presigned_url exists reset_connection close
"""
DOCUMENTED = set(NAMES.split())
SIGNATURES = (
    *("get_project(pk)", "get_task(pk params)", "annotate_task_data(pk data)", "create_tasks(data)"),
    *("list_tasks(params url_conversion list_all)", "set_tags_tasks(data params)"),
    *("create_chunked_upload(file_path)", "get_data_collection(data_collection_id)"),
    *("create_data_file(file_path use_chunked_upload)", "create_data_units(uploaded_files)"),
    *("upload_data_file(organized_file collection_id use_chunked_upload)", "get_assignment(pk)"),
    *("list_assignments(params url_conversion list_all)", "set_tags_assignments(data params)"),
    *("health_check_agent(token)", "get_plugin(pk)", "create_plugin(data)", "update_plugin(pk data)"),
    *("run_plugin(pk data)", "create_plugin_release(data)", "get_plugin_release(pk params)"),
    *("list_jobs(params)", "get_job(pk params)", "update_job(pk data)", "list_job_console_logs(pk)"),
    *("tail_job_console_logs(pk)", "get_storage(pk)", "create_storage(data)", "list_models(params)"),
    *("get_model(pk params url_conversion)", "create_model(data)", "get_ground_truth_version(pk)"),
    "list_ground_truth_events(params url_conversion list_all)",
)


def public_methods() -> list[str]:
    """List the methods that a script may call."""
    found = inspect.getmembers(BackendClient, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


def made(cls: type[SynapseError], cause: BaseException | None = None, **facts: Any) -> SynapseError:
    """Make an error as the session and the transfers raise it."""
    error = cls("went wrong", **facts)
    error.__cause__ = cause
    return error


def refused(cls: type[SynapseError], cause: BaseException | None = None, **facts: Any) -> SynapseError:
    """Return what a method of the flat client raises in place of an error."""
    with pytest.raises(SynapseError) as caught, told():
        raise made(cls, cause, **facts)
    return caught.value


class TestMethods:
    def test_are_all_there(self) -> None:
        """Nobody has to stay with another client for one that lacks."""
        assert set() == DOCUMENTED - set(public_methods())

    def test_are_all_tested(self) -> None:
        """Each is called against a backend in one of the modules beside this one."""
        calls = {
            node.func.attr
            for path in HERE.glob("test_client_*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }

        assert [] == [name for name in public_methods() if name not in calls]

    @pytest.mark.parametrize("documented", SIGNATURES, ids=lambda text: text.partition("(")[0])
    def test_take_what_is_documented(self, documented: str) -> None:
        """The same names in the same order, as a script may give them either way."""
        name, _, rest = documented.rstrip(")").partition("(")
        expected = [each for each in rest.split() if each]
        parameters = list(inspect.signature(getattr(BackendClient, name)).parameters.values())[1:]
        by_place = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]

        assert expected == by_place[: len(expected)]

    def test_are_all_in_the_migration_guide(self) -> None:
        """Each with the ORM's way beside it."""
        guide = (HERE.parents[1] / "docs" / "migration.md").read_text("utf-8")

        assert [] == [name for name in public_methods() if f"{name}(" not in guide]

    def test_have_a_docstring(self) -> None:
        """Editors show it."""
        assert [] == [
            name for name in public_methods() if not (getattr(BackendClient, name).__doc__ or "").strip()
        ]

    def test_take_an_argument_by_one_name(self, client: BackendClient) -> None:
        """Neither none nor two."""
        with pytest.raises(TypeError, match=r"missing argument: 'pk' \(or 'task_id'\)"):
            client.get_task()
        with pytest.raises(TypeError, match="'pk' and 'task_id' are two names of one argument"):
            client.get_task(1, task_id=1)

    def test_refuse_a_body_that_is_none(self, client: BackendClient) -> None:
        """Before anything is sent."""
        with pytest.raises(QueryError, match="data must be a mapping, got list"):
            client.create_plugin([])  # type: ignore[arg-type]


class TestSettings:
    def test_come_by_position_in_both_orders(self) -> None:
        """The second argument is the access token in either client; the rest has names."""
        client = BackendClient(HOST, "syn_a", "a" * 40, {"connect": 1, "read": 2})
        settings = client.session.settings

        assert ("syn_a", "a" * 40) == (settings.api_token, settings.agent_token)
        assert (1, 2) == (settings.timeout.connect, settings.timeout.read)

    def test_have_todays_names_too(self) -> None:
        """Those of the current release."""
        client = BackendClient(HOST, access_token="syn_a", tenant="acme")
        user = BackendClient(HOST, authorization_token="u" * 40, tenant="acme")

        assert ("syn_a", "acme") == (client.session.settings.api_token, client.session.settings.tenant)
        assert (
            f"Token {'u' * 40}"
            == user.session.dialect.headers(user.session.settings.credentials)["Authorization"]
        )

    def test_wait_5_and_30_seconds_unless_told(self) -> None:
        """For a connection, and for an answer."""
        timeout = BackendClient(HOST, "syn_a").session.settings.timeout

        assert (5, 30) == (timeout.connect, timeout.read)

    def test_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As documented."""
        for name, value in {"HOST": HOST, "API_TOKEN": "syn_env", "AGENT_TOKEN": "agent_env"}.items():
            monkeypatch.setenv(f"SYNAPSE_{name}", value)
        settings = BackendClient().session.settings

        assert (HOST, "syn_env", "agent_env") == (settings.host, settings.api_token, settings.agent_token)

    def test_name_one_access_token(self) -> None:
        """Of two, nobody could say which counts."""
        with pytest.raises(ConfigError, match="two names of one token"):
            BackendClient(HOST, "syn_a", access_token="syn_b")

    def test_need_a_token(self) -> None:
        """It says where one can come from."""
        with pytest.raises(ConfigError, match="SYNAPSE_API_TOKEN"):
            BackendClient(HOST)

    def test_do_not_show_tokens(self) -> None:
        """Neither shown nor pickled."""
        client = BackendClient(HOST, "syn_secret_1", "agent_secret_1")

        assert f"<BackendClient {HOST}>" == repr(client)
        assert b"secret" not in pickle.dumps(client)

    def test_travel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker looks the token up again."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_env")
        again = pickle.loads(pickle.dumps(BackendClient(HOST, "syn_a", strict=False, url_host="internal")))

        assert (HOST, "syn_env", False) == (again.base_url, again.session.settings.api_token, again.strict)
        assert "internal" == again.session.url_host
        assert again.files_dir.is_dir()

    @pytest.mark.parametrize("travel", [copy.copy, lambda each: pickle.loads(pickle.dumps(each))])
    def test_keep_the_folder_that_was_chosen(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, travel: Any
    ) -> None:
        """What a worker fetches stays when it ends."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_env")

        assert tmp_path == travel(BackendClient(HOST, files_dir=tmp_path)).files_dir

    def test_say_that_tokens_do_not_travel(self) -> None:
        """Where a worker finds none, the error says why, and what to do."""
        pickled = pickle.dumps(BackendClient(HOST, "syn_a"))

        with pytest.raises(
            ConfigError, match=r"was pickled, and tokens are never pickled.*SYNAPSE_API_TOKEN.*profile"
        ):
            pickle.loads(pickled)

    def test_can_be_read(self) -> None:
        """And not be set, as that would change nothing."""
        client = BackendClient(HOST, "syn_a", timeout={"read": 7}, tenant="acme")

        assert ({"connect": 5, "read": 7}, "acme") == (client.timeout, client.tenant)
        for name in ("timeout", "tenant"):
            with pytest.raises(AttributeError):
                setattr(client, name, {})

    def test_ask_for_addresses_on_a_host(self, box: Sandbox, make: Factory) -> None:
        """Every request says so, unless it says otherwise."""
        task = make.task().pk
        client = BackendClient(box.url, box.tenants["contract"].api_token, url_host="internal")
        with client, client.session.trace() as trace:
            client.get_task(task, {"url_host": "external"})
            list(client.list_tasks({"ids": task}, list_all=True)[0])
            client.create_chunked_upload(__file__)
            Task.objects.using(client.session).get(id=task)

        assert "url_host=external" in trace[0].url and "internal" not in trace[0].url
        assert all("url_host=internal" in call.url for call in trace[1:] if "chunked_upload/" not in call.url)


class TestLife:
    def test_goes_on_after_it_was_closed(self, client: BackendClient) -> None:
        """As the documented client does: a later call opens new sockets."""
        with client:
            client.list_agents()
        client.close()
        client.reset_connection()

        assert client.list_agents()

    def test_leaves_a_closed_session_closed(self) -> None:
        """Closing it twice is no mistake."""
        client = BackendClient(HOST, "syn_a")
        client.session.close()

        client.close()

    def test_removes_what_it_fetched(self) -> None:
        """At the end of the process, unless it was told where to keep it."""
        code = f"from synapse import BackendClient\nprint(BackendClient({HOST!r}, 'syn_a').files_dir)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert not Path(done.stdout.strip()).exists()


def cases() -> Iterator[Any]:
    """Yield each error of the tree that a script should catch in another way, with the class that it then has."""
    yield pytest.param(TransportError, ClientConnectionError, {}, id="connection")
    yield pytest.param(TransportError, ClientTimeoutError, {"timed_out": True}, id="timeout")
    yield pytest.param(TransportError, ClientTimeoutError, {"cause": TimeoutError()}, id="connect timeout")
    yield pytest.param(
        WriteUnconfirmedError, ClientResponseIncompleteError, {"timed_out": True}, id="unconfirmed"
    )
    yield pytest.param(OriginError, ClientOriginError, {}, id="origin")
    yield pytest.param(TransferError, FileMissingError, {"cause": FileNotFoundError()}, id="missing file")


class TestErrors:
    @pytest.mark.parametrize(("cls", "expected", "facts"), list(cases()))
    def test_are_both(
        self, cls: type[SynapseError], expected: type[SynapseError], facts: dict[str, Any]
    ) -> None:
        """What a script catches, and what the ORM calls it; after travelling as well."""
        error = refused(cls, **facts)
        again = pickle.loads(pickle.dumps(error))

        assert (expected, expected) == (type(error), type(again))
        assert isinstance(error, cls) and "went wrong" == str(again)

    @pytest.mark.parametrize(
        ("facts", "status"),
        [
            ({}, None),
            ({"timed_out": True}, 408),
            ({"status_code": 200}, 200),
            ({"timed_out": True, "status_code": 200}, 408),
        ],
    )
    def test_have_a_status_even_without_an_answer(self, facts: dict[str, Any], status: int | None) -> None:
        """A timeout is a 408 to scripts, a dead line none."""
        error = refused(TransportError, method="GET", url="http://h/", **facts)
        assert isinstance(error, ClientError) and isinstance(error, TransportError)

        assert (status, {}, "GET") == (error.status_code, error.errors, error.method)
        assert (None, "went wrong", "went wrong") == (error.response, error.detail, error.reason)

    def test_of_many_tell_what_the_first_was(self) -> None:
        """So that `except ClientError` around an upload of many sees the refusal."""
        first = ValidationError("no", status_code=400, response={"files": ["no"]}, errors={"files": ["no"]})
        error = refused(BulkError, first, succeeded=[1], failed=[(2, first)])
        assert isinstance(error, ClientBulkError)

        assert (400, {"files": ["no"]}, [1], [(2, first)]) == (
            error.status_code,
            error.response,
            error.succeeded,
            error.failed,
        )
        assert first is error.__cause__

    @pytest.mark.parametrize("cls", [QueryError, ConfigError, TransferError])
    def test_of_other_kinds_stay_what_they_are(self, cls: type[SynapseError]) -> None:
        """They are mistakes on this side."""
        assert cls is type(refused(cls))

    def test_can_be_imported_by_the_documented_names(self) -> None:
        """`synapse.clients.exceptions` in place of the documented client's."""
        assert exceptions.ClientError is synapse.ClientError
        assert exceptions.AuthorizationError is synapse.PermissionDeniedError
        assert exceptions.HTTPError is synapse.ClientError
        assert synapse.BackendClient is synapse.clients.BackendClient  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.get_task(1),
            lambda client: client.list_tasks(list_all=True),
            lambda client: client.create_data_file(__file__),
        ],
        ids=["one", "all", "upload"],
    )
    def test_of_a_dead_line_are_client_errors(self, call: Callable[[BackendClient], Any]) -> None:
        """Whatever was asked for."""
        client = BackendClient(HOST, "syn_a", retry=synapse.Retry(total=0))
        with pytest.raises(ClientError) as caught:
            call(client)

        assert isinstance(caught.value, ClientConnectionError)
