"""What a refusal says, whatever shape its body has."""

from __future__ import annotations

import pytest

from synapse.dialects import V1, Credentials, Refusal
from synapse.dialects.refusals import flatten, summary


def test_of_wire_v1_names_its_request() -> None:
    """The fields with their messages come from the body, the request's id from a header."""
    said = V1().refusal(400, headers={"X-Request-Id": "r-1"}, body={"name": ["required"]})

    assert Refusal("name: required", {"name": ["required"]}, "r-1") == said


def test_credentials_go_into_the_headers_of_wire_v1() -> None:
    """Each one that is given has its own header, and none shows its value."""
    headers = V1().headers(Credentials(api_token="a", agent_token="b", tenant="acme"))

    assert {
        "Synapse-Access-Token": "Token a",
        "SYNAPSE-Agent": "Token b",
        "Synapse-Tenant": "Token acme",
    } == headers
    assert "Token a" not in repr(headers)


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
