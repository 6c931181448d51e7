"""How values get from the wire into Python and back, one codec for each kind of field."""

from __future__ import annotations

import enum
import math

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import attrs
import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.downloads import RemoteFile
from synapse.entities import AccessLevel, FileSpecification, JobStatus, ProjectCategory, StorageProvider
from synapse.entities.storage import Configuration
from synapse.mapping.codecs import (
    Codec,
    Misfit,
    check_json,
    codec_of,
    dump_value,
    open_value,
    split_optional,
)
from synapse.mapping.json import same_json
from tests.unit.mapping.test_json import JSON, TEXT

SPECIFICATION = {"name": "image_1", "file_type": "image"}
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))]))
EXACT_KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (bool, st.booleans()),
    (str, TEXT),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (dict[str, Any], st.dictionaries(TEXT, JSON, max_size=3)),
    (list[int], st.lists(st.integers())),
    (list[str], st.lists(st.text())),
    (list[dict[str, Any]], st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2)),
    (dict[str, list[int]], st.dictionaries(st.text(), st.lists(st.integers()), max_size=3)),
    (Any, JSON),
]


class Colour(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is the name
    """A text enumeration as many programs declare it."""

    IMAGE = "image"
    RED = "red"


class Nowhere(tzinfo):
    """A zone that names no offset."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Know no offset."""
        return None


@attrs.frozen
class Box:
    """A value class without ways of its own."""

    width: int
    height: int = 1


class Unprintable:
    """Fails when it is shown."""

    def __repr__(self) -> str:
        raise ValueError


def refused(annotation: Any, value: Any) -> str:
    """Return the words in which a value that a user gives is refused."""
    with pytest.raises(Misfit) as caught:
        codec_of(annotation).accept(value)
    return str(caught.value)


def malformed(annotation: Any, raw: Any) -> str:
    """Return the words in which a value that the backend sent is refused."""
    codec = codec_of(annotation)
    with pytest.raises(Misfit) as caught:
        open_value(codec, codec.load(raw), session=None)
    return str(caught.value)


def opened(annotation: Any, raw: Any) -> Any:
    """Return the Python value of a wire value."""
    codec = codec_of(annotation)
    return open_value(codec, codec.load(raw), session=None)


class TestThereAndBack:
    @pytest.mark.parametrize(("annotation", "wire"), EXACT_KINDS, ids=[str(each[0]) for each in EXACT_KINDS])
    @given(data=st.data())
    def test_an_exact_codec_gives_back_what_came(
        self, annotation: Any, wire: st.SearchStrategy[Any], data: st.DataObject
    ) -> None:
        """What is loaded, opened and dumped is the value that was sent, so no change is seen in it."""
        raw = data.draw(wire)
        codec = codec_of(annotation)

        assert codec.exact
        value = open_value(codec, codec.load(raw), session=None)
        assert raw == dump_value(codec, value)
        assert not codec.lazy or same_json(raw, dump_value(codec, value))

    @pytest.mark.parametrize(
        ("annotation", "raw"),
        [
            (list[datetime], ["2026-01-01T00:00:00.000000Z"]),
            (list[JobStatus | str], ["running"]),
            (dict[str, RemoteFile], {"image_1": {"url": "http://h/a.png", "is_primary": True}}),
            (list[FileSpecification], [{**SPECIFICATION, "is_required": False, "newer": 1}]),
        ],
    )
    def test_a_codec_that_gives_back_another_spelling_says_so(self, annotation: Any, raw: Any) -> None:
        """Such a value must be compared with its own dump, or reading it would look like a change."""
        codec = codec_of(annotation)

        assert raw != dump_value(codec, opened(annotation, raw))
        assert not codec.exact

    @given(MOMENTS)
    def test_an_instant_survives(self, moment: datetime) -> None:
        """Zone and microseconds included."""
        codec = codec_of(datetime)
        again = codec.load(codec.dump(moment))

        assert (moment, moment.utcoffset()) == (again, again.utcoffset())

    def test_edits_of_an_open_value_stay_away_from_what_came(self) -> None:
        """Else a change inside JSON could not be told."""
        raw = {"files": [{"a": 1}]}
        opened(dict[str, Any], raw)["files"][0]["a"] = 2

        assert {"files": [{"a": 1}]} == raw

    @pytest.mark.parametrize("annotation", [dict[str, RemoteFile], list[int], FileSpecification, Any])
    def test_null_is_none(self, annotation: Any) -> None:
        """And None is null, whatever the kind."""
        codec = codec_of(annotation)

        assert open_value(codec, None, session=None) is None
        assert dump_value(codec, None) is None


class TestNumbers:
    @pytest.mark.parametrize("value", [0, -5, 2**80, np.int16(3)])
    def test_an_integer_field_takes_integers_of_every_library(self, value: Any) -> None:
        """They become plain ones, which JSON can hold."""
        taken = codec_of(int).accept(value)

        assert (int, int(value)) == (type(taken), taken)

    @pytest.mark.parametrize("value", [True, 1.0, "1", None, math.nan, [1]])
    def test_an_integer_field_refuses_the_rest(self, value: Any) -> None:
        """No guessing, from the user as little as from the backend."""
        assert refused(int, value).startswith("expected an integer, got ")
        assert codec_of(int).load(5) == 5

    @pytest.mark.parametrize("raw", [True, 1.0, "1", {}])
    def test_an_integer_from_the_backend_is_one(self, raw: Any) -> None:
        """A malformed row is not mended."""
        assert malformed(int, raw).startswith("expected an integer, got ")

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1.5", None, 10**400])
    def test_a_number_is_finite(self, value: Any) -> None:
        """JSON has no infinity, and a float no place for a number of 400 digits."""
        assert refused(float, value).startswith("expected a finite number, got ")

    def test_a_number_may_be_whole(self) -> None:
        """It becomes a float."""
        assert [float, float] == [type(codec_of(float).accept(each)) for each in (1, np.float64(1.5))]

    @pytest.mark.parametrize("value", [1, 0, "true", None, np.int8(1)])
    def test_a_truth_is_a_bool(self, value: Any) -> None:
        """Nothing that merely looks true."""
        assert refused(bool, value).startswith("expected True or False, got ")


class TestText:
    def test_takes_text(self) -> None:
        """Empty text too: it is a value."""
        assert ["", "어노테이션"] == [codec_of(str).accept(each) for each in ("", "어노테이션")]

    def test_takes_a_member_of_a_text_enumeration_by_its_value(self) -> None:
        """`str(Colour.RED)` is 'Colour.RED', which nobody means."""
        taken = codec_of(str).accept(Colour.RED)

        assert ("red", str) == (taken, type(taken))

    @pytest.mark.parametrize("value", [5, None, b"x", ["x"]])
    def test_refuses_the_rest(self, value: Any) -> None:
        """Bytes have no encoding."""
        assert refused(str, value).startswith("expected text, got ")

    def test_long_values_are_cut_in_messages(self) -> None:
        """A message is for reading."""
        assert len(refused(int, "x" * 10_000)) < 120

    def test_what_cannot_be_shown_is_named_by_its_type(self) -> None:
        """An error within an error would hide the first."""
        assert "expected text, got Unprintable" == refused(str, Unprintable())


class TestMoment:
    def test_takes_an_aware_datetime_and_its_text(self) -> None:
        """Both come to the same instant."""
        moment = datetime(2026, 1, 1, tzinfo=UTC)

        assert [moment] * 2 == [
            codec_of(datetime).accept(each) for each in (moment, "2026-01-01T09:00+09:00")
        ]

    @pytest.mark.parametrize(
        "value",
        [datetime(2026, 1, 1), "2026-01-01", datetime(2026, 1, 1, tzinfo=Nowhere())],  # noqa: DTZ001
    )
    def test_refuses_a_naive_one_with_the_fix(self, value: Any) -> None:
        """Nobody could say which instant was meant."""
        assert "has no time zone; write e.g. datetime(..., tzinfo=timezone.utc)" in refused(datetime, value)

    @pytest.mark.parametrize("value", [1767225600, "soon", None, datetime(2026, 1, 1, tzinfo=UTC).date()])
    def test_refuses_what_is_no_datetime(self, value: Any) -> None:
        """A date names no instant."""
        assert "expected a" in refused(datetime, value)

    @pytest.mark.parametrize("raw", [1767225600, "soon", {}, ""])
    def test_a_moment_from_the_backend_is_iso(self, raw: Any) -> None:
        """A malformed row is told."""
        assert malformed(datetime, raw).startswith("expected an ISO 8601 date and time, got ")

    @pytest.mark.parametrize("raw", ["2026-01-01T10:00:00", "2026-01-01"])
    def test_a_moment_from_the_backend_names_an_instant(self, raw: Any) -> None:
        """One without an offset could not be compared with any other."""
        assert malformed(datetime, raw).startswith("expected a date and time with its UTC offset, got ")


class TestEnumeration:
    @pytest.mark.parametrize("annotation", [AccessLevel, ProjectCategory | str])
    def test_unknown_values_of_the_backend_stay_text(self, annotation: Any) -> None:
        """A newer backend must stay readable."""
        assert "holographic" == opened(annotation, "holographic")

    def test_known_values_become_members(self) -> None:
        """From the backend as from the user, and whatever enumeration they were taken from."""
        codec = codec_of(ProjectCategory | str)

        assert [ProjectCategory.IMAGE] * 3 == [
            codec.load("image"),
            codec.accept("image"),
            codec.accept(Colour.IMAGE),
        ]

    def test_job_states_are_read_in_any_case(self) -> None:
        """Older backends send lower case."""
        assert [JobStatus.RUNNING] * 2 == [opened(JobStatus | str, each) for each in ("running", "Running")]

    def test_a_closed_one_takes_no_new_value(self) -> None:
        """The message names the nearest one, whether or not a newer backend is read with other values."""
        assert "'imge' is no ProjectCategory (did you mean 'image'?)" in refused(
            ProjectCategory | str, "imge"
        )
        assert "'publik' is no AccessLevel (did you mean 'public'?)" in refused(AccessLevel, "publik")

    def test_an_open_one_takes_a_new_value(self) -> None:
        """Such as a storage provider that was added after this release."""
        taken = codec_of(StorageProvider | str).accept(Colour.RED)

        assert ("red", str) == (taken, type(taken))

    @pytest.mark.parametrize("annotation", [AccessLevel, ProjectCategory | str])
    @pytest.mark.parametrize("value", ["", 5, None, ["image"]])
    def test_neither_takes_nothing(self, annotation: Any, value: Any) -> None:
        """Empty text and what is no text are mistakes in both."""
        assert refused(annotation, value)

    def test_is_written_by_its_value(self) -> None:
        """Members and new values alike."""
        assert ["image", "new"] == [
            codec_of(ProjectCategory | str).dump(each) for each in (ProjectCategory.IMAGE, "new")
        ]


class TestJson:
    @given(JSON)
    def test_takes_all_that_json_holds(self, value: Any) -> None:
        """As it is: an assigned dict is the dict that is read again."""
        assert value is check_json(value)

    @pytest.mark.parametrize(
        ("value", "path"),
        [
            (
                {"a": [{"b": math.nan}]},
                "['a'][0]['b']: JSON cannot hold float nan; write None for a missing value",
            ),
            ({1: "x"}, "JSON keys are text, got int 1"),
            ({"a": {None: 1}}, "['a']: JSON keys are text, got NoneType None"),
            ([math.inf], "[0]: JSON cannot hold float inf"),
            ({"a": {1, 2}}, "['a']: JSON cannot hold set {1, 2}"),
            ({"n": [np.arange(2)]}, "['n'][0]: JSON cannot hold ndarray array([0, 1]); write value.tolist()"),
            ({"t": (b"x",)}, "['t'][0]: JSON cannot hold bytes b'x'; write value.decode()"),
            ({"t": ["caf\udce9"]}, "['t'][0]: text with half of a surrogate pair"),
            ({"\0": 1}, "a key is text with a NUL character"),
            ({"t": Decimal(1)}, "['t']: JSON cannot hold Decimal Decimal('1'); write float(value) or str"),
            ([np.datetime64("2026-01-01")], "[0]: JSON cannot hold datetime64"),
            ([np.float32("nan")], "[0]: JSON cannot hold float nan; write None for a missing value"),
            (datetime(2026, 1, 1, tzinfo=UTC), "JSON cannot hold datetime"),
        ],
    )
    def test_refuses_the_rest_and_says_where(self, value: Any, path: str) -> None:
        """The path leads to the value that is wrong."""
        assert refused(Any, value).startswith(path)

    def test_takes_numbers_of_numpy_as_python_s(self) -> None:
        """What comes of a model's output, at any depth; the value that was given stays as it is."""
        given = {"box": [np.int64(1), np.float32(0.5)], "ok": {"sure": np.True_}, "name": np.str_("a")}
        taken = codec_of(dict[str, Any]).accept(given)

        assert {"box": [1, 0.5], "ok": {"sure": True}, "name": "a"} == taken
        assert ([int, float], bool) == ([*map(type, taken["box"])], type(taken["ok"]["sure"]))
        assert np.int64 is type(given["box"][0])

    def test_refuses_what_holds_itself(self) -> None:
        """Sending it would never end."""
        endless: dict[str, Any] = {}
        endless["list"] = [endless]

        assert "nested too deeply for JSON, or holding itself" == refused(dict[str, Any], endless)

    def test_an_assigned_object_is_the_one_that_is_read(self) -> None:
        """As with any attribute of Python."""
        value = {"a": [1]}

        assert value is codec_of(dict[str, Any]).accept(value)

    @pytest.mark.parametrize("value", [[], "text", 5, None])
    def test_an_object_is_a_dict(self, value: Any) -> None:
        """Where the wire wants an object, a list is a mistake."""
        assert refused(dict[str, Any], value).startswith("expected a dict, got ")
        assert value is None or malformed(dict[str, Any], value).startswith("expected a JSON object, got ")


class TestList:
    @pytest.mark.parametrize(
        "value", [[1, 2], (1, 2), iter([1, 2]), {1: "a", 2: "b"}.keys(), np.array([1, 2])]
    )
    def test_takes_anything_that_can_be_walked(self, value: Any) -> None:
        """It becomes a list of its own."""
        taken = codec_of(list[int]).accept(value)

        assert ([1, 2], [int, int]) == (taken, [type(each) for each in taken])

    @pytest.mark.parametrize("value", ["ab", b"ab", {"a": 1}, 5, None])
    def test_refuses_what_is_no_list(self, value: Any) -> None:
        """Text would be taken letter by letter."""
        assert refused(list[str], value).startswith("expected a list, got ")

    def test_checks_each_member(self) -> None:
        """One wrong member spoils the list, from the user as from the backend."""
        assert "[1]: expected an integer, got str '2'" == refused(list[int], [1, "2"])
        assert "[1]: expected an integer, got str '2'" == malformed(list[int], [1, "2"])

    @pytest.mark.parametrize("raw", [{}, "ab", 5])
    def test_a_list_from_the_backend_is_one(self, raw: Any) -> None:
        """A malformed row is told."""
        assert malformed(list[int], raw).startswith("expected a list, got ")


class TestFiles:
    def test_are_written_as_objects_of_two_keys(self) -> None:
        """A file is named by its checksum, or taken over from another unit."""
        codec = codec_of(dict[str, RemoteFile])
        given_files = {
            "image_1": {"checksum": "c", "path": "a.png"},
            "image_2": RemoteFile(url="http://h/b.png", checksum="d"),
        }

        taken = codec.accept(given_files)
        written = {
            "image_1": {"checksum": "c", "path": "a.png"},
            "image_2": {"checksum": "d", "path": "b.png"},
        }
        assert written == codec.dump(taken)

    def test_taking_them_copies_the_dict(self) -> None:
        """What is done to the given dict later is not done to the object."""
        given_files: dict[str, Any] = {}
        taken = codec_of(dict[str, RemoteFile]).accept(given_files)
        given_files["image_1"] = {}

        assert {} == taken

    @pytest.mark.parametrize(
        "value", [["a.png"], "a.png", {1: {}}, {"image_1": b"bytes"}, {"image_1": object()}]
    )
    def test_refuse_what_cannot_be_sent(self, value: Any) -> None:
        """A list of paths, a key that is no text, bytes."""
        assert refused(dict[str, RemoteFile], value)

    @pytest.mark.parametrize("raw", [{"image_1": 5}, {"image_1": ["http://h/a.png"]}])
    def test_of_the_backend_are_objects_or_addresses(self, raw: Any) -> None:
        """A malformed entry is told."""
        assert malformed(dict[str, RemoteFile], raw).startswith("expected a RemoteFile, got ")

    def test_may_be_null(self) -> None:
        """A specification without a file reads as None, and is written as it came."""
        files = opened(dict[str, RemoteFile], {"image_1": "http://h/a.png", "image_2": None})

        assert {"image_1": "http://h/a.png", "image_2": None} == codec_of(dict[str, RemoteFile]).dump(files)


class TestValueClass:
    def test_refuses_what_json_cannot_hold(self) -> None:
        """When it is given, not when it is sent."""
        with pytest.raises(Misfit, match="JSON cannot hold float nan"):
            codec_of(Configuration).accept({"bucket": float("nan")})

    def test_takes_an_instance_or_a_dict(self) -> None:
        """Both come to the same value."""
        made = FileSpecification(**SPECIFICATION)

        assert [made, made] == codec_of(list[FileSpecification]).accept([made, SPECIFICATION])

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ({**SPECIFICATION, "is_requird": True}, "has no 'is_requird' (did you mean 'is_required'?)"),
            ({"name": "image_1"}, "needs 'file_type'"),
            ({**SPECIFICATION, "is_required": "no"}, "expected True or False, got str 'no'"),
            ({**SPECIFICATION, "name": 5}, "expected text, got int 5"),
            ({**SPECIFICATION, "index": "1"}, "expected an integer, got str '1'"),
            ("image_1", "expected a FileSpecification, got str 'image_1'"),
            (None, "expected a FileSpecification, got NoneType None"),
        ],
    )
    def test_a_dict_is_checked_by_name_and_type(self, value: Any, why: str) -> None:
        """A misspelt key would be dropped, and 'no' would be true."""
        assert why in refused(list[FileSpecification], [value])

    def test_keys_of_a_newer_backend_are_no_mistake(self) -> None:
        """They are left out of the value."""
        (found,) = opened(list[FileSpecification], [{**SPECIFICATION, "newer": 1}])

        assert FileSpecification(**SPECIFICATION) == found

    def test_is_written_by_its_own_way_where_it_has_one(self) -> None:
        """`to_wire()` knows what the backend takes."""
        made = FileSpecification(**SPECIFICATION, is_required=True)

        assert made.to_wire() == codec_of(FileSpecification).dump(made)

    def test_is_written_without_its_defaults_otherwise(self) -> None:
        """The backend has the same."""
        codec = codec_of(Box)

        assert [{"width": 3}, {"width": 3, "height": 2}] == [codec.dump(Box(3)), codec.dump(Box(3, 2))]


class TestChoosing:
    @pytest.mark.parametrize(
        ("annotation", "split"),
        [
            (int | None, (int, True)),
            (int, (int, False)),
            (int | str | None, (int | str, True)),
            (Any, (Any, True)),
        ],
    )
    def test_optional_is_split_off(self, annotation: Any, split: tuple[Any, bool]) -> None:
        """Anything may be None where it may be anything."""
        assert split == split_optional(annotation)

    def test_none_changes_nothing_of_the_rest(self) -> None:
        """An optional list is held as a list."""
        codec = codec_of(list[int] | None)

        assert [1] == codec.accept([1])
        assert isinstance(codec, Codec)

    @pytest.mark.parametrize(
        "annotation", [bytes, int | str, complex, list[range], AccessLevel | int, Unprintable]
    )
    def test_a_type_without_a_codec_is_refused_when_declared(self, annotation: Any) -> None:
        """The mistake shows when the entity is declared, not with its first row."""
        with pytest.raises(TypeError, match="no codec for"):
            codec_of(annotation)
