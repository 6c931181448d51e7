"""What the flat client refuses in bodies, before anything is sent, and what it lets through."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from synapse import BackendClient, QueryError, ValidationError
from synapse.sandbox import Sandbox
from tests.contract.factory import Factory
from tests.faults.hostile import Proxy, answer

MISSPELT: dict[str, tuple[tuple[Any, ...], str]] = {
    "set_tags_tasks": (({"ids": [1], "tags": [1], "actoin": "remove"},), "action"),
    "set_tags_assignments": (({"ids": [1], "tags": [1], "Action": "remove"},), "action"),
    "annotate_task_data": ((1, {"actoin": "save", "data": {}}), "action"),
    "update_job": (("x", {"progres_record": {}}), "progress_record"),
    "run_plugin": (("x", {"acton": "go"}), "action"),
    "create_model": (({"name": "x", "pluign": "y"},), "plugin"),
    "create_plugin": (({"nmae": "x", "code": "y"},), "name"),
    "update_plugin": ((1, {"descripton": "x"}), "description"),
    "create_data_units": (([{"data_colection": 1, "files": {}}],), "data_collection"),
    "create_tasks": (([{"project": 1, "data_unti": 1}],), "data_unit"),
    "create_logs": (({"evnt": "log"},), "event"),
    "create_storage": (({"name": "x", "provder": "minio"},), "provider"),
    "create_serve_application": (({"job": "x", "statsu": "RUNNING"},), "status"),
    "create_plugin_release": (({"plugin": "x", "verison": "1"},), "version"),
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_key_is_refused(client: BackendClient, name: str) -> None:
    """The backend would do without it: remove would become add, and a change none."""
    given, meant = MISSPELT[name]
    with (
        client.session.trace() as trace,
        pytest.raises(QueryError, match=rf"has no key .*did you mean '{meant}'.*Keys: .*Nothing was sent"),
    ):
        getattr(client, name)(*given)

    assert [] == list(trace)


@pytest.mark.parametrize("data", [None, 7, "text", [None]], ids=str)
@pytest.mark.parametrize("name", ["create_tasks", "create_data_units", "create_logs"])
def test_what_is_no_body_is_refused(client: BackendClient, name: str, data: Any) -> None:
    """Where a list may be given as well."""
    with pytest.raises(QueryError, match="data must be a mapping"):
        getattr(client, name)(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"ids": [1], "tags": [1]}, "needs 'action'"),
        ({"ids": [1], "tag_ids": [1]}, "needs 'action'"),
        ({"ids": [1], "task_ids": [9], "tags": [1], "action": "add"}, "two names of one thing"),
    ],
    ids=["no action", "half documented", "both names"],
)
def test_a_change_of_tags_is_never_guessed(client: BackendClient, data: dict[str, Any], words: str) -> None:
    """Only the documented form, which knows no other, adds by itself."""
    with client.session.trace() as trace, pytest.raises(QueryError, match=words):
        client.set_tags_tasks(data)

    assert [] == list(trace)


def test_documented_keys_are_no_mistake(client: BackendClient) -> None:
    """Nor are those of older releases."""
    model = client.create_model({"name": "m", "metrics": {"any": 1}, "is_active": True})

    assert "m" == model["name"]


def test_a_client_that_is_not_strict_sends_any_key(box: Sandbox, make: Factory) -> None:
    """For a backend that knows more than this release."""
    client = BackendClient(box.url, box.tenants["contract"].api_token, strict=False)
    with client:
        made = client.create_plugin(
            {"name": "x", "code": f"p{make.project().pk}", "category": "export", "new": 1}
        )

    assert "x" == made["name"]


def test_checksums_may_come_from_a_generator(client: BackendClient) -> None:
    """They are taken once."""
    row = client.create_data_file(__file__)

    found = client.verify_data_files_checksums(each for each in (row["checksum"], "0" * 32))  # type: ignore[arg-type]
    assert {"existing_checksums": [row["checksum"]]} == found


def test_a_client_that_is_not_strict_leaves_an_unknown_status(box: Sandbox) -> None:
    """As it was given."""
    client = BackendClient(box.url, box.tenants["contract"].api_token, strict=False)
    with client, client.session.trace() as trace, pytest.raises(ValidationError):
        client.list_jobs({"status": "Paused"})

    assert trace[0].url.endswith("?status=Paused")


def test_a_plugin_may_answer_text(box: Sandbox) -> None:
    """It has run, and the text is what it says."""
    place = urlsplit(box.url)
    with Proxy((str(place.hostname), int(place.port or 80))) as proxy:
        proxy.harm(r"POST /plugins/", answer(200, raw=b"hello", kind="text/plain"))
        with BackendClient(proxy.url, box.tenants["contract"].api_token) as client:
            found = client.run_plugin("any", {"action": "go"})

    assert "hello" == found


def test_arguments_may_be_given_by_their_documented_names(client: BackendClient, make: Factory) -> None:
    """And by those of the current release."""
    release, collection = make.release(), make.collection().pk
    unit = client.upload_data_file(organized_file={"files": {"image_1": __file__}}, collection_id=collection)
    again = client.upload_data_file(data={"files": {"image_1": __file__}}, data_collection_id=collection)
    [made] = client.create_data_units(uploaded_files=[unit])
    upload = client.create_chunked_upload(file_path=__file__)

    assert (unit, collection) == (again, client.get_data_collection(data_collection_id=collection)["id"])
    assert made["id"] == client.create_data_units(data=unit)["id"]
    assert upload == client.get_chunked_upload(upload_id=upload["id"])
    assert [release.pk] == [row["id"] for row in client.list_plugin_releases(plugin_code=release.plugin.code)]
