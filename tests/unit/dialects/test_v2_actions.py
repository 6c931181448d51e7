"""Wire v2: verbs, uploads, credentials and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synapse import ConfigError, UnsupportedError
from synapse.dialects import V2, Credentials, Refusal, Reply, Request, v2_actions, v2_uploads
from synapse.dialects.uploads import StoredFile, UploadTarget, Verdict
from tests.unit.dialects.test_v1_actions import BODY

URL = "https://storage.test/a?signature=s"


@pytest.mark.parametrize(
    ("request_made", "expected"),
    [
        (
            v2_actions.annotate(5, {}, submit=False, schema="any"),
            Request(
                "PUT", "v2/tasks/5/annotate-task-data/", (("schema", "any"),), {"action": "save", "data": {}}
            ),
        ),
        (v2_actions.console_logs("0f-1"), Request("GET", "v2/jobs/0f-1/console_logs/")),
        (v2_actions.tail("0f-1"), Request("GET", "v2/jobs/0f-1/tail_console_logs/")),
        (v2_actions.stop("0f-1"), Request("POST", "v2/jobs/0f-1/stop/")),
        (v2_actions.cancel("0f-1"), Request("POST", "v2/async_jobs/0f-1/cancel/")),
        (v2_actions.me(), Request("GET", "v2/users/me/")),
        (
            v2_actions.create_tasks(3, (21, 22)),
            Request("POST", "v2/tasks/bulk-create/", json={"project": 3, "data_unit_ids": [21, 22]}),
        ),
        (
            v2_uploads.files_by_checksum("d4"),
            Request("GET", "v2/data-files/", (("checksum", "d4"), ("per_page", "1"))),
        ),
        (
            v2_uploads.ask_targets([("a.png", 5, "image/png"), ("b", 6, None)], seconds=1, collection=4),
            Request(
                "POST",
                "v2/data-collections/4/upload-urls/",
                json={
                    "files": [
                        {"filename": "a.png", "size": 5, "content_type": "image/png"},
                        {"filename": "b", "size": 6},
                    ],
                    "expiration": 60,
                },
                read_timeout=120.0,
            ),
        ),
        (
            v2_uploads.confirm([StoredFile(UploadTarget("k", (URL,)), "0123", 5)], collection=4),
            Request(
                "POST",
                "v2/data-collections/4/finalize-upload/",
                json={"files": [{"file_key": "k", "checksum": "0123", "size": 5}]},
                read_timeout=120.0,
            ),
        ),
    ],
    ids=lambda value: value.path if isinstance(value, Request) else "",
)
def test_each_action_has_its_request(request_made: Request, expected: Request) -> None:
    """Method, path and body as the backend documents them."""
    assert expected == request_made


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: v2_actions.set_tags("tasks", (1,), tags=(2,), action="add"), r"set_tags\(\) exists on API v1"),
        (lambda: v2_actions.run("digits", {}), r"Plugin\.run\(\) exists on API v1 only"),
        (lambda: v2_actions.release(BODY), r"Plugin\.release\(\) exists on API v1 only"),
        (lambda: v2_actions.connect("a"), r"Agent\.check\(\) exists on API v1 only"),
        (lambda: v2_actions.storage_session(1, "read"), r"filesystem\(\) exists on API v1 only"),
        (lambda: v2_uploads.data_file(BODY), "signed addresses"),
        (lambda: v2_uploads.data_file_from("u"), "signed addresses"),
        (lambda: v2_uploads.chunk(BODY, start=0, size=1, total=1, url=None), "signed addresses"),
        (lambda: v2_uploads.complete(None, "d4"), "signed addresses"),
        (lambda: v2_uploads.upload_state("u"), "signed addresses"),
        (lambda: v2_uploads.ask_targets([("a", 1, None)], seconds=1), "below a data collection only"),
        (lambda: v2_uploads.confirm([]), "below a data collection only"),
    ],
)  # fmt: skip
def test_what_it_lacks_is_refused(make: Callable[[], object], words: str) -> None:
    """Before anything is sent, naming the generation that has it."""
    with pytest.raises(UnsupportedError, match=words):
        make()


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: {"data": data, "meta": {}}])
def test_answers_to_verbs_are_read(wrap: Callable[[Any], Any]) -> None:
    """With their envelope and without."""
    target = {"file_key": "k", "presigned_url": URL, "multipart": None}
    told = [{"file_key": "k", "success": True, "data_file_id": 9}, {"file_key": "l", "error": "no"}]

    assert {"id": 5, "data": {"any": 1}} == v2_actions.annotated(Reply(200, wrap({"any": 1})), 5)
    assert ["a", "b"] == v2_actions.printed(Reply(200, wrap({"logs": ["a", "b"]})))
    assert [UploadTarget("k", (URL,))] == v2_uploads.targets(Reply(200, wrap({"files": [target]})), [5])
    assert [{"id": 9}] == v2_uploads.files(Reply(200, wrap([{"id": 9}])))
    assert {"k": Verdict(9), "l": Verdict(error="no")} == v2_uploads.verdicts(
        Reply(200, wrap({"results": told}))
    )


def test_credentials_go_into_the_headers_as_they_are() -> None:
    """Only a user's token has its scheme before it, and none shows its value."""
    headers = V2().headers(Credentials(api_token="syn_a", agent_token="b", user_token="u", tenant="acme"))

    assert {
        "SYNAPSE-ACCESS-TOKEN": "syn_a",
        "Authorization": "Token u",
        "SYNAPSE-Tenant": "acme",
    } == headers
    assert "syn_a" not in repr(headers)


def test_an_agent_alone_cannot_ask() -> None:
    """There is no header for its token."""
    with pytest.raises(ConfigError, match="takes no agent's token"):
        V2().headers(Credentials(agent_token="b"))


DETAILS = [{"field": "title", "message": "blank"}, {"field": "title", "message": "short"}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {
                "error": {"code": "VALIDATION_ERROR", "message": "Invalid.", "details": DETAILS},
                "meta": {"request_id": "req_1"},
            },
            Refusal(
                "Invalid.; title: blank; title: short",
                {"title": ["blank", "short"]},
                "req_1",
                "VALIDATION_ERROR",
            ),
        ),
        (
            {"error": {"code": "NOT_FOUND", "message": "None.", "details": None}, "meta": {}},
            Refusal("None.", {}, "header", "NOT_FOUND"),
        ),
        (
            {"error": {"code": "INVALID_STATE", "message": "Over.", "details": [{"current_status": "FAILED"}]}},
            Refusal("Over.; current_status: FAILED", {"current_status": ["FAILED"]}, "header", "INVALID_STATE"),
        ),
        ({"error": {"code": 5, "details": ["odd"]}}, Refusal("odd", {"non_field_errors": ["odd"]}, "header")),
        ({"detail": "Not found."}, Refusal("Not found.", {"detail": ["Not found."]}, "header")),
        ("<title>520</title><html>", Refusal("<title>520</title><html>", {}, "header")),
    ],
)  # fmt: skip
def test_refusals_are_read_out_of_their_envelope(body: Any, expected: Refusal) -> None:
    """Message, details by field, code and the request's id; what stands before the backend has other shapes."""
    assert expected == V2().refusal(400, headers={"X-Request-Id": "header"}, body=body)


@pytest.mark.parametrize(
    ("body", "own"),
    [({"error": {"code": "INTERNAL_ERROR"}}, True), ({"error": "no healthy upstream"}, False), ("<html>", False)],
)  # fmt: skip
def test_it_knows_its_own_words(body: Any, own: bool) -> None:
    """A gateway before it has none of its codes."""
    assert own == V2().is_own(body)


def test_an_answer_has_its_envelope_taken_off() -> None:
    """Whatever it is about."""
    assert {"id": 1} == V2().unwrap(Reply(200, {"data": {"id": 1}, "meta": {"request_id": "r"}}))
