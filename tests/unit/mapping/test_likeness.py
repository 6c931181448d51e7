"""Values that a backend shows, held against those that were sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from hypothesis import given

from synapse.downloads import RemoteFile
from synapse.entities import FileSpecification, JobStatus
from synapse.mapping.codecs import codec_of
from synapse.mapping.likeness import Likeness, is_usual, like_json
from tests.unit.mapping.test_json import JSON

SPECS = [FileSpecification(name=f"{kind}_1", file_type=kind).to_wire() for kind in ("image", "pcd")]


def like(kind: Any, sent: Any, held: Any) -> Likeness | None:
    """Compare as a field of this type does."""
    return codec_of(kind).like(sent, held)


class TestJson:
    @given(JSON)
    def test_what_is_equal(self, value):
        """The same value is the same."""
        assert like_json(value, value) is Likeness.SAME

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (" a\n", "a"),
            ("cafe\u0301", "caf\u00e9"),
            (1, 1.0),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}),
            ("2026-01-01T00:00:00Z", "2026-01-01T09:00:00+09:00"),
            ({"at": "2026-01-01T00:00:00Z"}, {"at": "2026-01-01T00:00:00.000000+00:00"}),
            ("550E8400-E29B-41D4-A716-446655440000", "550e8400e29b41d4a716446655440000"),
        ],
    )
    def test_what_has_the_same_normal_form(self, one, other):
        """Blanks around it, zones, the order of keys, 1 and 1.0: no value changes by them."""
        assert like_json(one, other) is Likeness.SAME

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Night", "night"),
            ("a  b", "a b"),
            (0.1, 0.10000001),
            (1.23456, 1.23),
            (1.005, 1.01),
            (2.5, 3),
            (-2.5, -3.0),
            ("1.50", 1.5),
            ("1", 1),
            (1, True),
            ({"a": 1}, {"a": 1, "b": 2}),
            ({"a": 1, "b": None}, {"a": 1}),
            ([1, 2], [2, 1]),
            ([1, 1], [1]),
            (["Car"], ["bus", "car"]),
            (None, {}),
            ("", None),
            ("a & b", "a &amp; b"),
            ("<b>a</b>", "a"),
            ("Night drives!", "night-drives"),
            ("night " * 10, "night night night night night night"),
            ("night " * 10, "night night night night night…"),
            ("night " * 10, "night night night night night n..."),
            ("hush-hush", "***"),
            ("2026-01-01T10:11:12.345Z", "2026-01-01T10:11:12Z"),
            ("2026-01-01T10:11:12Z", "2026-01-01T10:11:00Z"),
            ("2026-01-01T10:11:12Z", "2026-01-01T10:11:12"),
        ],
    )
    def test_what_a_backend_may_have_made_of_it(self, one, other):
        """It may fold, escape, cut, mask, round, reorder or add: nothing of what was sent is missing."""
        assert like_json(one, other) is Likeness.POSSIBLE

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": 1}, {}),
            ({"a": 1}, None),
            ({"a": 1}, {"b": 2}),
            ({"a": {"b": 1}}, {"a": {}}),
            (None, {"a": 1}),
            ([], [1]),
            ([1, 2], [1]),
            ([{"a": 1}], [{"a": 2}]),
            ("a", 5),
            (True, 0),
        ],
    )
    def test_of_what_something_is_missing(self, one, other):
        """Such an answer contradicts what was sent; a row that was found may still be of it."""
        assert like_json(one, other) is Likeness.UNLIKELY

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, 2),
            (1.5, 1.6),
            (1.6, 1),
            (1.5, 1),
            (10**400, 1.5),
            (1.5, 10**400),
            (True, False),
            ("a", "b"),
            ("a", ""),
            ({"a": 1}, {"a": 2}),
            ({"a": {"b": 1}}, {"a": {"b": 2}, "c": 3}),
            ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("20260101", "2026-01-01"),
            ("night 10", "night 1"),
        ],
    )
    def test_what_is_another(self, one, other):
        """No backend makes the one of the other."""
        assert like_json(one, other) is Likeness.OTHER


class TestCodecs:
    @pytest.mark.parametrize(
        ("kind", "one", "other", "found"),
        [
            (datetime, "2026-01-01T00:00:00+00:00", "2026-01-01T09:00:00+09:00", Likeness.SAME),
            (datetime, "2026-01-01T00:00:00+00:00", "soon", Likeness.OTHER),
            (JobStatus | str, "STOPPED", "stopped", Likeness.SAME),
            (JobStatus | str, "STOPPED", "RUNNING", Likeness.OTHER),
            (list[str], ["b", "a"], ["a", "b"], Likeness.POSSIBLE),
            (list[str], ["a"], None, Likeness.UNLIKELY),
            (list[FileSpecification], SPECS, [SPECS[0], {**SPECS[1], "index": 2, "id": 9}], Likeness.SAME),
            (list[FileSpecification], SPECS, SPECS[:1], Likeness.UNLIKELY),
            (RemoteFile, {"checksum": "AB"}, {"url": "x", "checksum": "ab"}, Likeness.SAME),
            (RemoteFile, {"checksum": "ab"}, {"url": "x", "checksum": "ac"}, Likeness.OTHER),
            (RemoteFile, {"checksum": "ab"}, {"url": "x"}, None),
            (RemoteFile, {"checksum": "ab"}, None, None),
            (RemoteFile, None, {"url": "x"}, Likeness.UNLIKELY),
            (dict[str, RemoteFile], {}, None, Likeness.POSSIBLE),
        ],
    )
    def test_compare_by_their_kind(self, kind, one, other, found):
        """Moments, enumerations, specifications and files have rules of their own."""
        assert like(kind, one, other) is found


class TestUsual:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Night", "night"), ("A  b", "A b"), (1.23456, 1.23), ({"a": ["X"]}, {"a": ["x"]}), ("a", "a")],
    )
    def test_is_what_backends_make_of_it(self, one, other):
        """A value that stays so whenever it is written was not ignored."""
        assert is_usual(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [("night", "Night"), ({"a": 1}, {"a": 1, "b": 2}), ([1, 2], [2, 1]), ("a", "b"), ([1], [1, 2])],
    )
    def test_is_no_value_that_something_is_added_to(self, one, other):
        """A key that was taken out and is still there, or another order, was ignored."""
        assert not is_usual(one, other)
