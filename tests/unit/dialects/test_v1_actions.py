"""Wire v1: the requests that are no plain create, read, update or delete."""

from __future__ import annotations

from typing import BinaryIO

import pytest

from synapse.dialects import Request, v1_actions, v1_uploads
from synapse.errors import QueryError


class Body:
    """Stands for a stream; nothing is read from it here."""

    content_type = "application/octet-stream"
    length = 3

    def open(self) -> BinaryIO:
        """Return what is sent."""
        raise NotImplementedError


BODY = Body()


@pytest.mark.parametrize(
    ("submit", "schema", "expected"),
    [
        (True, None, Request("PUT", "tasks/5/annotate_task_data/", json={"action": "submit", "data": {}})),
        (
            False,
            "any",
            Request(
                "PUT", "tasks/5/annotate_task_data/", (("schema", "any"),), {"action": "save", "data": {}}
            ),
        ),
    ],
)
def test_annotate_submits_or_saves(submit: bool, schema: str | None, expected: Request) -> None:
    """The schema is a parameter, the action part of the body."""
    assert expected == v1_actions.annotate(5, {}, submit=submit, schema=schema)


def test_tags_are_set_on_many_rows_at_once() -> None:
    """Keys and tags travel as plain lists."""
    request = v1_actions.set_tags("assignments", (1, 2), tags=(3,), action="remove")

    assert (
        Request("POST", "assignments/set_tags/", json={"ids": [1, 2], "tags": [3], "action": "remove"})
        == request
    )


@pytest.mark.parametrize(
    ("request_made", "expected"),
    [
        (
            v1_actions.run("digits", {"action": "train"}),
            Request("POST", "plugins/digits/run/", json={"action": "train"}),
        ),
        (v1_actions.release(BODY), Request("POST", "plugin_releases/", body=BODY)),
        (v1_actions.console_logs("0f-1"), Request("GET", "jobs/0f-1/console_logs/")),
        (v1_actions.tail("0f-1"), Request("GET", "jobs/0f-1/tail_console_logs/")),
        (v1_actions.connect("a" * 40), Request("POST", f"agents/{'a' * 40}/connect/")),
        (v1_actions.me(), Request("GET", "users/me/")),
        (v1_uploads.data_file(BODY), Request("POST", "data_files/", body=BODY)),
        (v1_uploads.data_file_from("u1"), Request("POST", "data_files/", json={"chunked_upload": "u1"})),
        (
            v1_uploads.verify_checksums(("a", "b")),
            Request("POST", "data_files/verify_checksums/", json={"checksums": ["a", "b"]}),
        ),
        (
            v1_uploads.complete("http://h/chunked_upload/1/", "d4"),
            Request("POST", "http://h/chunked_upload/1/", json={"md5": "d4"}),
        ),
        (v1_uploads.complete(None, "d4"), Request("POST", "chunked_upload/", json={"md5": "d4"})),
        (
            v1_uploads.files_by_checksum("d4"),
            Request("GET", "data_files/", (("checksum", "d4"), ("page_size", "1"))),
        ),
        (v1_actions.create_units(({"files": {}},)), Request("POST", "data_units/", json=[{"files": {}}])),
        (v1_uploads.upload_state("http://h/chunked_upload/1/"), Request("GET", "http://h/chunked_upload/1/")),
    ],
    ids=lambda value: value.path if isinstance(value, Request) else "",
)
def test_each_action_has_its_request(request_made: Request, expected: Request) -> None:
    """Method, path and body as the backend documents them."""
    assert expected == request_made


@pytest.mark.parametrize(("url", "path"), [(None, "chunked_upload/"), ("http://h/u/1/", "http://h/u/1/")])
def test_a_chunk_says_which_bytes_it_holds(url: str | None, path: str) -> None:
    """The end is inclusive; the first chunk goes to the list, further ones, once, to the upload's own address."""
    request = v1_uploads.chunk(BODY, start=50, size=10, total=100, url=url)
    headers = (("Content-Range", "bytes 50-59/100"),)

    assert Request("PUT", path, body=BODY, headers=headers, once=url is not None) == request


@pytest.mark.parametrize("key", ["..", ".", ""])
def test_a_key_from_an_answer_cannot_walk(key: str) -> None:
    """A job's key and an agent's token come from the backend, unchecked."""
    with pytest.raises(QueryError, match="is no key"):
        v1_actions.console_logs(key)


def test_a_token_is_one_segment() -> None:
    """Whatever it holds."""
    assert "agents/a%2F..%2Fb%3Fc%0A/connect/" == v1_actions.connect("a/../b?c\n").path
