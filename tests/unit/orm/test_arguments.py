"""The checks of what callers give to verbs."""

from __future__ import annotations

import math

import pytest

from synapse import QueryError, Task
from synapse.orm import arguments


class TestItems:
    @pytest.mark.parametrize("given", [[1, 2], (1, 2), iter([1, 2]), {1: 0, 2: 0}.keys()])
    def test_takes_what_can_be_iterated(self, given):
        """Lists, tuples, generators and views will do."""
        assert [1, 2] == arguments.items("f()", given, of="numbers")

    @pytest.mark.parametrize("given", [None, 5, "ab", b"ab", {1: 2}, Task.ref(1)])
    def test_refuses_a_single_thing(self, given):
        """What would be taken apart by mistake is refused."""
        with pytest.raises(QueryError, match=r"f\(\) takes a list of numbers, got .*; nothing was sent"):
            arguments.items("f()", given, of="numbers")


class TestText:
    @pytest.mark.parametrize("given", [None, 5, "", "  ", b"a"])
    def test_refuses_what_says_nothing(self, given):
        """Text is text, and not empty."""
        with pytest.raises(QueryError, match="text that is not empty"):
            arguments.text("f(name)", given)

    def test_takes_lists_of_it(self):
        """Every member is looked at."""
        assert ["a", "나"] == arguments.texts("f()", ("a", "나"))
        with pytest.raises(QueryError):
            arguments.texts("f()", ["a", ""])


class TestFlag:
    @pytest.mark.parametrize("given", [0, 1, None, "yes"])
    def test_refuses_what_merely_looks_true(self, given):
        """True and False only."""
        with pytest.raises(QueryError, match="True or False"):
            arguments.flag("f(x=...)", given)

    def test_takes_booleans(self):
        """They are given back."""
        assert [True, False] == [arguments.flag("f()", each) for each in (True, False)]


class TestSeconds:
    @pytest.mark.parametrize("given", [-1, True, "5", None, math.nan, math.inf])
    def test_refuses_what_is_no_time(self, given):
        """A wait has a finite length that is not negative."""
        with pytest.raises(QueryError, match="a number of seconds"):
            arguments.seconds("f()", given)

    def test_takes_numbers(self):
        """Whole ones and others."""
        assert [0, 1.5] == [arguments.seconds("f()", each) for each in (0, 1.5)]


class TestJsonObject:
    @pytest.mark.parametrize("given", [None, [], "ab", 5])
    def test_refuses_what_is_no_dict(self, given):
        """A JSON object is a dict."""
        with pytest.raises(QueryError, match="takes a dict"):
            arguments.json_object("f(params)", given)

    @pytest.mark.parametrize("given", [{1: 2}, {"a": {1}}, {"a": [math.nan]}])
    def test_refuses_what_json_cannot_hold(self, given):
        """The message names the place."""
        with pytest.raises(QueryError, match=r"f\(params\).*: .*; nothing was sent"):
            arguments.json_object("f(params)", given)

    def test_takes_a_copy(self):
        """The caller's dict is not the one that is sent."""
        given = {"a": [1]}
        taken = arguments.json_object("f()", given)
        given["a"].append(2)

        assert {"a": [1]} == taken
