"""What a filter's value must be: each kind takes what is meant, and refuses the rest before anything is sent."""

from __future__ import annotations

import enum
import uuid

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.dialects.wire import segment
from synapse.entities import JobStatus, Project, StatusLabel, StatusReview, Task
from synapse.errors import QueryError
from synapse.orm.record import reference
from synapse.query.kinds import Boolean, Choice, Integer, Key, Kind, Name, Reference, Text, TextKey, Timestamp

LARGEST = 2**63 - 1


class Colour(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is the name
    """A text enumeration as many programs declare it."""

    RED = "red"


class Nowhere(tzinfo):
    """A zone that names no offset, so a datetime in it is as good as naive."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Know no offset."""
        return None


def refused(kind: Kind, value: Any) -> str:
    """Return the words in which a value is refused."""
    with pytest.raises(QueryError) as caught:
        kind.check("Task.filter(x=...)", value)
    return str(caught.value)


class TestInteger:
    @pytest.mark.parametrize("value", [0, -3, np.int64(-3), np.uint8(7), LARGEST, -LARGEST])
    def test_takes_whole_numbers_of_every_library(self, value: Any) -> None:
        """Anything that Python can index with is an integer, and becomes a plain one."""
        taken = Integer().check("x", value)

        assert (int, int(value)) == (type(taken), taken)

    @pytest.mark.parametrize(
        "value", [True, np.True_, 1.0, np.float64(1), float("nan"), "1", None, [1], b"1"]
    )
    def test_refuses_what_is_no_integer(self, value: Any) -> None:
        """A bool is no number, and a float that happens to be whole is none either."""
        assert refused(Integer(), value).startswith("Task.filter(x=...) takes an integer, got ")

    @pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30])
    def test_refuses_numbers_that_no_column_holds(self, value: int) -> None:
        """A database would answer such a filter with an error of its own."""
        assert "takes a 64-bit integer" in refused(Integer(), value)

    def test_refuses_numbers_too_long_to_print(self) -> None:
        """Python refuses to print such a number, which must not hide our refusal."""
        assert "Task.filter(x=...) takes a 64-bit integer, got int" == refused(Integer(), 10**5000)

    def test_none_is_told_apart(self) -> None:
        """Django programs filter by None; the message says that this wire cannot."""
        assert "None cannot be asked for on this wire" in refused(Integer(), None)


class TestKey:
    @pytest.mark.parametrize("value", [1, np.int32(1), LARGEST])
    def test_takes_positive_integers(self, value: Any) -> None:
        """The smallest and the largest key that a database gives."""
        assert int(value) == Key().check("x", value)

    @pytest.mark.parametrize("value", [0, -1, -(10**400), 2**63, True, "1", 1.5, None])
    def test_refuses_what_no_backend_gives(self, value: Any) -> None:
        """Zero, negative and huge numbers are mistakes, not questions."""
        assert refused(Key(), value).startswith("Task.filter(x=...) takes a")


class TestTextKey:
    @pytest.mark.parametrize("value", ["digits@1.0.0", "0f3e", "코드", "a b", "...", "~"])
    def test_takes_codes(self, value: str) -> None:
        """Whatever can stand in one path segment can be a key."""
        assert value == TextKey().check("x", value)

    def test_takes_a_uuid_object(self) -> None:
        """A UUID is as good as its text."""
        made = uuid.uuid4()

        assert str(made) == TextKey().check("x", made)

    def test_takes_a_uuid_object_where_numbers_do_too(self) -> None:
        """It is text there as well."""
        made = uuid.uuid4()

        assert str(made) == TextKey(number=True).check("x", made)

    def test_takes_255_characters(self) -> None:
        """More would only be an address that no server takes."""
        assert "x" * 255 == TextKey().check("x", "x" * 255)
        with pytest.raises(QueryError, match="255 characters at most"):
            TextKey().check("x", "x" * 256)

    def test_takes_a_member_of_a_text_enumeration_by_its_value(self) -> None:
        """The member's value is the key, not its name."""
        taken = TextKey().check("x", Colour.RED)

        assert ("red", str) == (taken, type(taken))

    @pytest.mark.parametrize(
        "value",
        [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a%2Fb",
            " a",
            "a ",
            "a\nb",
            "a\0b",
            "\ud800",
            "\u200ba",
        ],
    )
    def test_refuses_text_that_could_leave_its_path(self, value: str) -> None:
        """Steps, separators, escapes, blanks and unprintable characters."""
        assert "takes a text key without slashes" in refused(TextKey(), value)

    @pytest.mark.parametrize("value", [5, None, b"a", ["a"], 1.5])
    def test_refuses_what_is_no_text(self, value: Any) -> None:
        """Where keys are text only, a number is a mistake."""
        assert "takes a text key, got" in refused(TextKey(), value)

    def test_takes_numbers_where_both_are_keys(self) -> None:
        """A plugin goes by its code and by its id."""
        kind = TextKey(number=True)

        assert ["digits", 5] == [kind.check("x", "digits"), kind.check("x", np.int64(5))]

    @pytest.mark.parametrize("value", [0, True, None, 2.0])
    def test_checks_numbers_as_keys(self, value: Any) -> None:
        """An id is held to what an id is."""
        assert "integer" in refused(TextKey(number=True), value)

    @given(st.text())
    def test_what_it_takes_stays_one_segment(self, text: str) -> None:
        """No accepted key adds a step to the path, or a query."""
        try:
            taken = TextKey().check("x", text)
        except QueryError:
            return
        assert not {"/", "?", "#"} & set(segment(taken))


class TestText:
    @pytest.mark.parametrize("value", ["", " ", "\t\n", None, 5, b"x", ["x"]])
    def test_refuses_what_would_be_no_filter(self, value: Any) -> None:
        """The backend reads an empty value as no filter at all, and answers with everything."""
        assert "takes text that is not empty" in refused(Text(), value)

    def test_refuses_text_that_cannot_be_sent(self) -> None:
        """File names of broken encodings carry lone surrogates."""
        assert "lone surrogates" in refused(Text(), "scan-\udcff.png")

    def test_takes_text_as_it_is(self) -> None:
        """Blanks and commas belong to the text."""
        assert " a,b " == Text().check("x", " a,b ")

    def test_takes_a_member_of_a_text_enumeration_by_its_value(self) -> None:
        """`str(Colour.RED)` is 'Colour.RED', which nobody means."""
        taken = Text().check("x", Colour.RED)

        assert ("red", str) == (taken, type(taken))


class TestName:
    def test_refuses_a_comma(self) -> None:
        """A comma would turn one name of a list into two."""
        assert "takes a name without a comma" in refused(Name(), "cat,dog")

    def test_takes_a_name(self) -> None:
        """Anything else that is text will do."""
        assert "cat dog" == Name().check("x", "cat dog")


class TestBoolean:
    @pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
    def test_takes_true_and_false(self, value: Any) -> None:
        """Both, and those of numpy as Python's."""
        assert bool(value) is Boolean().check("x", value)

    @pytest.mark.parametrize("value", [1, 0, "true", "", None, [], np.int8(1), float("nan")])
    def test_refuses_what_merely_looks_true(self, value: Any) -> None:
        """Text and numbers are not guessed at."""
        assert "takes True or False" in refused(Boolean(), value)


class TestMoment:
    def test_takes_an_aware_datetime(self) -> None:
        """An instant, whatever its zone."""
        moment = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=9)))

        assert moment is Timestamp().check("x", moment)

    @pytest.mark.parametrize("value", [date(2026, 1, 31), "2026-01-31", "20260131"])
    def test_takes_a_date(self, value: Any) -> None:
        """A date stays a date: which midnight it starts at is the backend's to say."""
        assert date(2026, 1, 31) == Timestamp().check("x", value)

    @pytest.mark.parametrize("value", ["2026-01-31T10:00:00Z", "2026-01-31 19:00:00+09:00"])
    def test_takes_text_with_an_offset(self, value: str) -> None:
        """ISO 8601, with a `Z` or an offset."""
        assert datetime(2026, 1, 31, 10, tzinfo=UTC) == Timestamp().check("x", value)

    @pytest.mark.parametrize(
        "value",
        [datetime(2026, 1, 1), "2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=Nowhere())],  # noqa: DTZ001
    )
    def test_refuses_a_naive_one_and_says_what_to_write(self, value: Any) -> None:
        """Nobody could say which instant was meant."""
        assert "tzinfo=timezone.utc" in refused(Timestamp(), value)

    @pytest.mark.parametrize("value", ["yesterday", "", "2026-13-01", 1767225600, None, 1.5, True])
    def test_refuses_what_is_no_time(self, value: Any) -> None:
        """Numbers of seconds are not guessed at."""
        assert "takes a date or an aware datetime" in refused(Timestamp(), value)


class TestChoice:
    @pytest.mark.parametrize("value", [StatusLabel.COMPLETED, "completed", StatusReview.COMPLETED])
    def test_takes_members_and_values(self, value: str) -> None:
        """A member, its text, or a member of another enumeration with the same text."""
        taken = Choice(StatusLabel).check("x", value)

        assert ("completed", str) == (taken, type(taken))

    @pytest.mark.parametrize("value", ["running", "Running", "RUNNING", JobStatus.RUNNING])
    def test_takes_a_job_status_in_any_case(self, value: str) -> None:
        """Older programs say it in lower case."""
        assert "RUNNING" == Choice(JobStatus).check("x", value)

    @pytest.mark.parametrize("value", ["complted", "COMPLETED"])
    def test_names_the_nearest_value(self, value: str) -> None:
        """A slip of the keys or of the shift key is recognised."""
        assert "(did you mean 'completed'?)" in refused(Choice(StatusLabel), value)

    @pytest.mark.parametrize("value", [None, 5, "", [], {}, True])
    def test_refuses_what_is_no_value(self, value: Any) -> None:
        """The message lists what there is, and the way around."""
        words = refused(Choice(JobStatus), value)

        assert (
            "Values: PENDING, RUNNING, STOPPED, SUCCEEDED, FAILED; another one goes through .params()"
            in words
        )


class TestReference:
    def test_takes_an_object_or_its_key(self) -> None:
        """Both come to the key."""
        kind = Reference("Project")

        assert [7, 7] == [kind.check("x", reference(Project, 7)), kind.check("x", np.int64(7))]

    def test_refuses_an_object_of_another_kind(self) -> None:
        """A task's key would be asked for as if it were a project's."""
        assert "takes a Project or its key, not a Task" in refused(Reference("Project"), Task.ref(7))

    def test_refuses_an_object_that_is_not_saved(self) -> None:
        """It has no key yet."""
        made = Project(title="new", category="image")

        assert "not saved yet; call .save() on it first" in refused(Reference("Project"), made)

    def test_refuses_an_object_that_was_deleted(self) -> None:
        """Its key names nothing any more, or one day something else."""
        gone = Project.ref(7)
        gone._state.deleted = True

        assert "got Project 7, which was deleted" in refused(Reference("Project"), gone)

    @pytest.mark.parametrize("value", [None, "7", Project, 0, 7.0])
    def test_refuses_what_is_neither(self, value: Any) -> None:
        """Text is no integer key, and the class is no object."""
        assert "integer" in refused(Reference("Project"), value)

    def test_checks_the_key_as_its_kind_is(self) -> None:
        """A plugin may be named by its code."""
        assert "digits" == Reference("Plugin", key=TextKey(number=True)).check("x", "digits")
