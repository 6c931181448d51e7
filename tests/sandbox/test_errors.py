"""Refusals in the forms that clients can read."""

from __future__ import annotations

import ast
import json

from pathlib import Path
from typing import Any

import pytest

from synapse.sandbox.backend import wording
from tests.sandbox.wire import Wire


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "projects/", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "projects/", {"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "projects/", {"data": "<a/>", "headers": {"Content-Type": "application/xml"}}, 415),
        ("DELETE", "projects/", {}, 405),
        ("OPTIONS", "logs/", {}, 405),
        ("OPTIONS", "chunked_upload/", {}, 405),
        ("POST", "projects/", {"data": '{"a": NaN}', "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "sdk/tasks/", {"json": {}}, 405),
        ("GET", "projects/0/", {}, 404),
        ("GET", "projects/abc/", {}, 404),
        ("GET", "projects/99999999999999999999999/", {}, 404),
        ("GET", "projects/%00/", {}, 404),
        ("PATCH", "projects/-1/", {"json": {}}, 404),
    ],
)
def test_detail_is_one_text(wire: Wire, method: str, path: str, options: dict[str, Any], status: int) -> None:
    """Refusals that are about no field say one sentence."""
    answer = wire.send(method, path, **options)

    assert (status, ["detail"], str) == (
        answer.status_code,
        list(answer.json()),
        type(answer.json()["detail"]),
    )


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-8"])
def test_body_is_read_in_the_encoding_that_it_names(wire: Wire, charset: str) -> None:
    """JSON is UTF-8 unless its type says otherwise."""
    body = json.dumps({"title": "Äpfel", "category": "image"}, ensure_ascii=False).encode(charset)
    headers = {"Content-Type": f"application/json; charset={charset}"}

    assert "Äpfel" == wire.send("POST", "projects/", data=body, headers=headers).json()["title"]


@pytest.mark.parametrize("charset", ["punycode", "IDNA"])
def test_body_in_an_encoding_that_takes_for_ever_is_refused(wire: Wire, charset: str) -> None:
    """Even a text that it could hold."""
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = wire.send("POST", "projects/", data=b"{}", headers=headers)

    assert (400, True) == (answer.status_code, "is no encoding of JSON" in answer.json()["detail"])


@pytest.mark.parametrize("charset", ["base64", "rot13", "nonsense", "idna", "undefined"])
def test_body_in_no_encoding_is_refused(wire: Wire, charset: str) -> None:
    """What is named there may be no encoding of text, or none that fits."""
    headers = {"Content-Type": f"application/json; charset={charset}"}

    assert 400 == wire.send("POST", "projects/", data=b"\xff", headers=headers).status_code


def test_unknown_address_is_html(wire: Wire) -> None:
    """Where there is no endpoint there is no JSON either."""
    answer = wire.send("GET", "annotation/projects/")

    assert (404, "text/html; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_missing_slash_is_404(wire: Wire, method: str) -> None:
    """Addresses end in a slash; nothing leads from the one without to the one with it."""
    assert 404 == wire.send(method, "projects").status_code


@pytest.mark.parametrize(
    ("language", "required"),
    [
        ("ko", "이 필드는 필수 항목입니다."),
        ("ko-KR,ko;q=0.9", "이 필드는 필수 항목입니다."),
        ("en", "This field is required."),
    ],
)
def test_language_is_the_one_asked_for(wire: Wire, language: str, required: str) -> None:
    """Errors come in Korean to who asks for Korean."""
    answer = wire.post("projects/", {}, headers={"Accept-Language": language})

    assert {"title": [required]} == answer.json()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("projects/", {"title": "{}"}),
        ("projects/", {"title": "a", "settings": {"deep": ["{}"]}}),
        ("projects/", {"title": "a", "settings": {"{}": 1}}),
        ("models/", {"name": "{}"}),
        ("models/", {"name": "a", "configuration": '["{}"]'}),
        ("data_files/verify_checksums/", {"checksums": ["{}"]}),
    ],
)
def test_text_that_cannot_be_stored_is_refused(wire: Wire, path: str, body: Any, text: str) -> None:
    """Null characters and broken text are the sender's fault, and never get as far as the database."""
    content = json.dumps(body).replace("{}", json.dumps(text)[1:-1])

    answer = wire.send("POST", path, data=content, headers={"Content-Type": "application/json"})

    assert 400 == answer.status_code


def test_text_that_only_looks_broken_is_stored(wire: Wire) -> None:
    """A backslash before u0000, and two halves that make one character, are harmless."""
    title = "\\u0000 \N{GRINNING FACE}"

    assert title == wire.create("projects/", {"title": title})["title"]


def test_bottomless_nesting_is_refused(wire: Wire) -> None:
    """A body of nothing but brackets is a bad request like any other."""
    answer = wire.send("POST", "projects/", data="[" * 100_000, headers={"Content-Type": "application/json"})

    assert (400, "JSON parse error - It is nested too deeply") == (
        answer.status_code,
        answer.json()["detail"],
    )


def test_own_sentences_are_korean_too(wire: Wire) -> None:
    """What only this backend says is translated like the rest."""
    body = {"name": "x", "file_specifications": [{"name": "image_1", "file_type": "image"}]}

    answer = wire.post("data_collections/", body, headers={"Accept-Language": "ko"})

    assert ["is_primary인", "function_type이"] == [
        text.split()[0] for text in answer.json()["file_specifications"]
    ]


@pytest.mark.parametrize(
    "query", ["format=xml", "format=json&limit=5", "url_host=internal&url_host=internal"]
)
def test_unknown_keys_are_ignored(wire: Wire, query: str) -> None:
    """Keys that mean something elsewhere mean nothing here."""
    assert wire.get("projects/")["count"] == wire.get(f"projects/?{query}")["count"]


def test_every_sentence_is_known_in_korean() -> None:
    """What the backend says itself is in its own list, or in the framework's."""
    framework = {
        "Invalid token.",
        "Must be a valid boolean.",
        "No file was submitted.",
        "The submitted file is empty.",
        "This field is required.",
        "Unable to log in with provided credentials.",
    }
    sources = Path(wording.__file__).parent.rglob("*.py")
    calls = [node for path in sources for node in ast.walk(ast.parse(path.read_text()))]

    assert framework == {text for node in calls for text in said(node)} - wording.KOREAN.keys()


def said(node: ast.AST) -> list[str]:
    """Return the sentence that *node* says, if it is a call that says one."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "say":
        return []
    return [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
