"""What an answer says, in the backend's words."""

from __future__ import annotations

import pickle

import pytest

from synapse.dialects import DEFAULT
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
from synapse.session.replies import RawResponse, describe, error_of


def refusal(status: int, content: bytes, **headers: str) -> ClientError:
    """Build the error of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer, masker = RawResponse(status, named, content), Masker(["s3cret-token"])
    return error_of(answer, label="GET /tasks/", masker=masker, dialect=DEFAULT)


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


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error_type": "gpu_unavailable", "detail": "busy"}', "gpu_unavailable"),
        (b'{"detail": "no", "code": "token_not_valid"}', "token_not_valid"),
        (b'{"code": ["This field is required."]}', None),
        (b'{"code": "two words"}', None),
        (b'["no"]', None),
        (b"no JSON", None),
    ],
)
def test_keeps_the_code_of_the_backend(body, expected):
    """`backend_code` is what the backend calls its refusal; a message about a field of that name is none."""
    error = refusal(409, body, Content_Type="application/json")

    assert (expected, "conflict") == (error.backend_code, error.code)
