"""What an answer says, in the backend's words."""

from __future__ import annotations

import pickle

import pytest

from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from synapse.masking import Masker
from synapse.session.replies import RawResponse, describe, error_of, flatten, summary


def refusal(status: int, content: bytes, **headers: str) -> ClientError:
    """Build the error of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(RawResponse(status, named, content), label="GET /tasks/", masker=Masker(["s3cret-token"]))


class TestFlatten:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (
                {"name": ["required"], "ref": ["bad", "worse"]},
                {"name": ["required"], "ref": ["bad", "worse"]},
            ),
            ({"detail": "Not found."}, {"detail": ["Not found."]}),
            ({"non_field_errors": ["must differ"]}, {"non_field_errors": ["must differ"]}),
            ([{}, {"name": ["required"]}], {"1.name": ["required"]}),
            ({"1": {"name": ["required"]}}, {"1.name": ["required"]}),
            ({"files": [{}, {"image": {"type": ["bad"]}}]}, {"files.1.image.type": ["bad"]}),
            (["too many", "too late"], {"non_field_errors": ["too many", "too late"]}),
            ({"count": 3, "ok": False, "none": None}, {"count": ["3"], "ok": ["false"]}),
            ("text", {}),
            (None, {}),
        ],
    )
    def test_names_every_field(self, body: object, expected: dict[str, list[str]]) -> None:
        """Every shape of error body becomes messages by field."""
        assert expected == flatten(body)


class TestSummary:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"detail": "찾을 수 없습니다."}, "찾을 수 없습니다."),
            (
                {"name": ["이 필드는 필수 항목입니다."], "id": ["bad"]},
                "name: 이 필드는 필수 항목입니다.; id: bad",
            ),
            ("<!DOCTYPE html><title>502 Bad &amp; Gateway</title><p>x", "(an HTML page: 502 Bad & Gateway)"),
            ("<html><style>p {}</style><body><h1>Too\n large</h1>", "(an HTML page: Too large)"),
            ("plain  words", "plain words"),
            ("x" * 1000, "x" * 200),
        ],
    )
    def test_says_it_in_one_line(self, body: object, expected: str) -> None:
        """The backend's words are kept, pages are summarised, long text is cut."""
        assert expected == summary(body)

    def test_cuts_a_long_list_of_fields(self) -> None:
        """A body with very many errors makes a message of bounded length."""
        assert 1001 == len(summary({f"field_{number}": ["required"] for number in range(1000)}))


class TestErrorOf:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, ValidationError),
            (401, AuthenticationError),
            (403, PermissionDeniedError),
            (404, NotFoundError),
            (405, ClientError),
            (409, ConflictError),
            (422, ValidationError),
            (429, RateLimitError),
            (500, ServerError),
            (599, ServerError),
        ],
    )
    def test_has_a_class_for_every_status(self, status: int, expected: type[ClientError]) -> None:
        """Each status has its error class."""
        assert expected is type(refusal(status, b"{}"))

    def test_carries_what_the_backend_said(self) -> None:
        """Status, body, messages by field and request id are attributes; all survive pickling."""
        error = refusal(400, '{"name": ["필수"]}'.encode(), X_Request_Id="r-1")
        loaded = pickle.loads(pickle.dumps(error))

        assert "GET /tasks/: 400 name: 필수" == str(loaded)
        assert (400, {"name": ["필수"]}, {"name": ["필수"]}, "r-1") == (
            loaded.status_code,
            loaded.response,
            loaded.errors,
            loaded.request_id,
        )

    @pytest.mark.parametrize(
        ("content", "kind", "words"),
        [
            ("거부".encode(), "text/plain", "거부"),
            ("거부".encode("euc-kr"), "text/plain; charset=EUC-KR", "거부"),
            (b"caf\xe9", "text/plain; charset=nonsense", "caf\ufffd"),
            (b"caf\xe9", "text/plain", "caf\ufffd"),
            (b"", "text/html", "Method Not Allowed"),
        ],
    )
    def test_reads_words_in_their_own_encoding(self, content: bytes, kind: str, words: str) -> None:
        """UTF-8 is tried first, then what the answer names; without words the status speaks."""
        assert f"GET /tasks/: 405 {words}" == str(refusal(405, content, Content_Type=kind))

    def test_says_so_when_there_are_no_words(self) -> None:
        """A status of no known meaning and no words is an error all the same."""
        assert "GET /tasks/: 520 no words" == str(refusal(520, b""))

    def test_hides_the_tokens(self) -> None:
        """A token that the backend repeats shows neither in the message nor in the body."""
        error = refusal(400, b'{"detail": "s3cret-token is bad"}')

        assert ("GET /tasks/: 400 *** is bad", {"detail": "*** is bad"}) == (str(error), error.response)

    def test_tells_when_to_come_back(self) -> None:
        """A rate limit knows how long the backend asked to wait, if it did."""
        waits = [refusal(429, b"{}", **headers) for headers in ({}, {"Retry_After": "7"})]

        assert [None, 7] == [error.retry_after for error in waits if isinstance(error, RateLimitError)]


class TestDescribe:
    def test_says_that_there_is_nothing(self) -> None:
        """An empty body without a content type is described as such."""
        assert "no content type, empty" == describe(RawResponse(200, {}), masker=Masker())


class TestWords:
    def test_leave_a_terminal_alone(self) -> None:
        """What it would obey is told as text, on one line; the data stays what it is."""
        error = refusal(401, b'{"detail": "no\\n\\u001b[2J\\u009b31m"}')

        assert "GET /tasks/: 401 no \\x1b[2J\\x9b31m" == str(error)
        assert {"detail": "no\n\x1b[2J\x9b31m"} == error.response

    def test_of_many_words_do_not_take_for_ever(self) -> None:
        """A page is searched for secrets in time that grows with its length."""
        error = refusal(400, b'"' + b"token" * 200_000)

        assert 400 == error.status_code
