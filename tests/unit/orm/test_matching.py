"""Rows held against what was sent, and which of them is which."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import DataUnit, JobLog, Storage, TaskTag
from synapse.mapping.likeness import Likeness
from synapse.orm import loading
from synapse.orm.matching import Paired, held_by, likeness, pair
from synapse.testing import canned

SESSION = canned({})
FILES = {"image_1": {"checksum": "abc", "path": "day/1.png"}}


def tag(key: int, **changes: Any) -> TaskTag:
    """A tag as the backend gives it."""
    row = {"id": key, "project": 1, "name": "night", "meta": {"n": 1}, "description": "", **changes}
    return loading.load(TaskTag, row, session=SESSION)


def sent(**changes: Any) -> dict[str, Any]:
    """A tag as it was sent."""
    return {"project_id": 1, "name": "night", "meta": {"n": 1}, **changes}


def carries(values: dict[str, Any], row: Any) -> bool | None:
    """Whether a row carries what was sent; None where nobody can tell."""
    found = likeness(row._schema, values, held=held_by(row, values))
    return {Likeness.SAME: True, Likeness.OTHER: False}.get(found)  # type: ignore[arg-type]


class TestCarries:
    def test_every_field_counts(self):
        """One value that surely differs makes it another row; what cannot be told makes it doubtful."""
        verdicts = [carries(sent(), tag(5, **changes)) for changes in ({}, {"name": "day"}, {"meta": {}})]

        assert [True, False, None] == verdicts

    def test_what_a_row_should_show_and_does_not_is_no_proof(self):
        """What the backend never sends is not held against it; what this list leaves out may differ."""
        row = loading.load(DataUnit, {"id": 5, "data_collection": 1, "meta": {}}, session=SESSION)

        assert carries({"data_collection_id": 1, "groups": ["a"]}, row) is True
        assert carries({"data_collection_id": 1, "files": FILES}, row) is None
        assert carries({"groups": ["a"]}, row) is None

    def test_secrets_tell_nothing(self):
        """The backend may mask them."""
        row = loading.load(Storage, {"id": 5, "name": "s", "configuration": {"key": "***"}}, session=SESSION)

        assert carries({"name": "s", "configuration": {"key": "hush"}}, row) is True

    @pytest.mark.parametrize(
        ("shown", "verdict"),
        [
            ({"image_1": {"path_original": "day/1.png"}}, True),
            ({"image_1": {"path_original": "day/2.png"}}, False),
            ({"image_1": {"path_original": "1.png"}}, None),
            ({"image_1": {"checksum": "ABC"}}, True),
            ({"image_1": {"path_original": "day/1.png", "checksum": "abd"}}, False),
            ({"image_1": {"path_original": "day/1.png", "checksum": "of another kind"}}, True),
            ({"image_1": {"path_original": "day/1.png"}, "thumb": {}}, None),
            ({"image_2": {"path_original": "day/1.png"}}, False),
            ({"image_1": {"url": "https://a.invalid/x"}}, None),
            ({"image_1": None}, None),
            ({"image_1": 5}, None),
            ({}, None),
        ],
        ids=str,
    )
    def test_files_go_by_names_paths_and_checksums(self, shown, verdict):
        """Rows describe files in other words than they were named by: only what both tell is compared."""
        row = loading.load(DataUnit, {"id": 5, "data_collection": 1, "files": shown}, session=SESSION)

        assert carries({"data_collection_id": 1, "files": FILES}, row) is verdict

    def test_files_that_are_sent_inside_tell_nothing(self):
        """The backend keeps them at addresses of its own."""
        row = loading.load(
            JobLog, {"id": 5, "job": "j", "event": "e", "file": "https://a.invalid/x"}, session=SESSION
        )

        assert carries({"event": "e", "file": "data:text/plain;base64,aGVsbG8="}, row) is True

    def test_files_that_are_named_by_an_address_are_no_proof(self):
        """Of several, another one may be there; a single one goes by its checksum."""
        unit = {"id": 5, "data_collection": 1, "files": {"image_1": {"path_original": "day/1.png"}}}
        log = {"id": 5, "job": "j", "file": {"url": "https://a.invalid/x", "checksum": "abc"}}

        row = loading.load(DataUnit, unit, session=SESSION)
        assert carries({"files": {"image_1": "https://a.invalid/x"}}, row) is None
        row = loading.load(JobLog, log, session=SESSION)
        assert carries({"file": {"checksum": "abd", "path": "x"}}, row) is False

    @pytest.mark.parametrize(("held", "verdict"), [(":00", True), (":00.7", None), (":09", False)])
    def test_moments_are_compared_as_such(self, held, verdict):
        """A log line's time comes in the backend's zone, and perhaps less finely."""
        row = loading.load(
            JobLog, {"id": 5, "job": "j", "datetime": f"2026-01-01T09:00{held}+09:00"}, session=SESSION
        )

        assert carries({"datetime": "2026-01-01T00:00:00+00:00"}, row) is verdict


class TestPair:
    def test_gives_each_row_to_what_was_sent(self):
        """Rows may come in any order, among others."""
        rows = [tag(9, name="other"), tag(8, name="b"), tag(7, name="a")]

        assert Paired({"x": 7, "y": 8}, {}) == pair({"x": sent(name="a"), "y": sent(name="b")}, rows)

    def test_equal_rows_are_counted(self):
        """Of three that were sent, two are there."""
        paired = pair(dict.fromkeys("abc", sent()), [tag(8), tag(7)])

        assert Paired({"a": 7, "b": 8}, {}) == paired

    def test_one_row_more_than_were_sent_is_no_proof(self):
        """Someone else has written the same."""
        assert Paired({}, {"x": [8, 7]}) == pair({"x": sent()}, [tag(8), tag(7)])

    def test_a_row_that_may_be_either_is_no_proof(self):
        """Two that were sent fit the same row."""
        both = {"x": sent(), "y": {"project_id": 1, "name": "night"}}

        assert Paired({}, {"x": [7], "y": [7]}) == pair(both, [tag(7)])

    def test_a_rewritten_row_is_doubtful_for_what_is_left(self):
        """A sure row is taken first; what is still missing may be the doubtful one."""
        rows = [tag(8, meta={"n": 1, "by": "x"}), tag(7)]

        assert Paired({"a": 7}, {"b": [8]}) == pair(dict.fromkeys("ab", sent()), rows)
        assert Paired({"a": 7}, {}) == pair({"a": sent()}, rows)

    def test_a_single_row_that_the_backend_rewrote_is_its_own_where_rows_may_be(self):
        """The only row that may be of it is taken; one that may be of two is not."""
        values = {"x": sent(name="Night"), "y": sent(name="Day"), "z": sent(name="DAY")}
        rows = [tag(7, name="night", meta={"n": 1, "by": "backend"}), tag(8, name="day")]

        assert Paired({"x": 7}, {"y": [8], "z": [8]}) == pair(values, rows, rewritten=True)
        assert {} == pair(values, rows).found

    def test_a_row_that_shows_too_little_is_never_its_own(self):
        """What a row does not show may differ."""
        row = loading.load(TaskTag, {"id": 7, "project": 1, "meta": {"n": 1}}, session=SESSION)

        assert Paired({}, {"x": [7]}) == pair({"x": sent()}, [row], rewritten=True)

    def test_equal_values_of_two_sendings_share_their_rows(self):
        """A row is of none whose rows are all younger; two rows that only one of them may be are no proof."""
        after = {"a": 0, "b": 5}

        assert Paired({"a": 3, "b": 7}, {}) == pair(
            dict.fromkeys("ab", sent()), [tag(7), tag(3)], after=after
        )
        assert Paired({}, {"a": [4, 3]}) == pair(dict.fromkeys("ab", sent()), [tag(4), tag(3)], after=after)
