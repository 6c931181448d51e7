"""Requests and replies: frozen values, and keys that stay in their place."""

from __future__ import annotations

import copy
import pickle

from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.dialects import Found, Reply, Request
from synapse.dialects.wire import encode, segment
from synapse.errors import QueryError
from synapse.mapping import UNSET

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


class TestRequest:
    @pytest.mark.parametrize(
        ("method", "repeatable"),
        [("GET", True), ("HEAD", True), ("PUT", True), ("DELETE", True), ("POST", False), ("PATCH", False)],
    )
    def test_knows_whether_it_may_be_sent_twice(self, method: str, repeatable: bool) -> None:
        """A second POST may create a second object."""
        assert repeatable is Request(method, "tasks/").idempotent

    def test_prints_its_target(self) -> None:
        """As `explain()` and traces show it."""
        assert ["tasks/", "tasks/?id__in=1,2&page=1"] == [
            Request("GET", "tasks/", params).target for params in ((), (("id__in", "1,2"), ("page", "1")))
        ]

    def test_has_no_body_unless_given_one(self) -> None:
        """`null` is a body."""
        assert UNSET is Request("POST", "agents/x/connect/").json
        assert Request("POST", "x/", json=None) != Request("POST", "x/")

    @pytest.mark.parametrize("value", [Request("GET", "a/"), Reply(200), Found([])])
    def test_values_are_frozen_and_travel(self, value: object) -> None:
        """They can be kept, compared and sent to other processes."""
        assert value == copy.deepcopy(value) == pickle.loads(pickle.dumps(value))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, attrs.fields(type(value))[0].name, 5)


class TestEncode:
    @given(st.lists(st.tuples(TEXT, TEXT), max_size=4))
    def test_the_backend_reads_what_was_meant(self, params: list[tuple[str, str]]) -> None:
        """Names and values come back, doubles and order included."""
        assert params == parse_qsl(encode(tuple(params)), keep_blank_values=True)

    def test_text_without_an_encoding_is_refused(self) -> None:
        """Such as the name of a file that was written in another encoding."""
        with pytest.raises(QueryError, match="lone surrogates cannot be sent"):
            encode((("search", "\udcff"),))


class TestSegment:
    @given(TEXT.filter(lambda text: text not in ("", ".", "..")))
    def test_is_one_step_that_reads_back(self, text: str) -> None:
        """No key adds a step, a query or a fragment."""
        parts = urlsplit(f"http://h/plugins/{segment(text)}/")

        assert 4 == len(parts.path.split("/"))
        assert (text, "", "") == (unquote(parts.path.split("/")[2]), parts.query, parts.fragment)

    @pytest.mark.parametrize("value", ["", ".", "..", None])
    def test_refuses_what_names_no_step(self, value: object) -> None:
        """HTTP libraries resolve dots, encoded or not."""
        with pytest.raises(QueryError, match="is no key that an address could name"):
            segment(value)

    @pytest.mark.parametrize("value", [10**5000, "\ud800"], ids=["huge", "surrogate"])
    def test_refuses_what_has_no_text(self, value: object) -> None:
        """Such a key may come from the backend."""
        with pytest.raises(QueryError, match="is no key that an address could name"):
            segment(value)

    def test_leaves_the_lookup_of_a_release_readable(self) -> None:
        """`code@version` is looked up by its `@`."""
        assert "digits@1.0.0" == segment("digits@1.0.0")
