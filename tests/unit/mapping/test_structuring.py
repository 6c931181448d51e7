"""Field types that only the converter knows: read, set, changed, pickled, refused with their paths."""

from __future__ import annotations

import enum
import pickle

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import attrs
import pytest

from synapse.errors import MappingError
from synapse.mapping import converter, read_only
from synapse.orm import Entity, entity
from synapse.query import By, Exact
from synapse.testing import CannedSession, canned

KEY = "550e8400-e29b-41d4-a716-446655440000"
converter.register_structure_hook(Fraction, lambda value, _: Fraction(value))
converter.register_unstructure_hook(Fraction, str)


@attrs.define
class Box:
    """A value class of an extender."""

    width: int
    price: Decimal = Decimal(0)
    labels: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        if self.width < 0:
            raise MappingError("a box has no negative width")


class Size(enum.IntEnum):
    """An enumeration of numbers."""

    SMALL = 1
    LARGE = 2


class Colour(enum.Enum):
    """An enumeration whose members are no text themselves."""

    RED = "red"
    BLUE = "blue"


@entity("tasks")
class Parcel(Entity):
    """An entity of an extender."""

    id: int = read_only()
    price: Decimal | None = None
    due: date | None = None
    key: UUID | None = None
    share: Fraction | None = None
    box: Box | None = None
    boxes: list[Box] = attrs.field(factory=list)
    span: tuple[float, float] | None = None
    names: set[str] | None = None
    prices: dict[str, Decimal] | None = None
    stack: tuple[Box, ...] | None = None
    shelf: dict[str, Box] | None = None
    keys: tuple[UUID, ...] | None = None
    days: set[date] | None = None
    times: tuple[datetime, ...] | None = None
    size: Size | None = None
    colour: Colour | None = None

    lookups = {"due": By(Exact), "key": By(Exact)}


ROW: dict[str, Any] = {
    "id": 1,
    "price": "12.50",
    "due": "2026-01-31",
    "key": KEY,
    "share": "1/2",
    "box": {"width": 3, "price": "1.5"},
    "boxes": [{"width": 1}],
    "span": [1, 2.5],
    "names": ["b", "a"],
    "prices": {"a": "1.0"},
    "stack": [{"width": 1}],
    "shelf": {"a": {"width": 1}},
    "keys": [KEY],
    "days": ["2026-01-31"],
    "times": ["2026-01-31T10:00:00+00:00"],
    "size": 1,
    "colour": "red",
}
HELD = {
    "price": Decimal("12.5"),
    "due": date(2026, 1, 31),
    "key": UUID(KEY),
    "share": Fraction(1, 2),
    "box": Box(3, Decimal("1.5")),
    "boxes": [Box(1)],
    "span": (1.0, 2.5),
    "names": {"a", "b"},
    "prices": {"a": Decimal(1)},
    "stack": (Box(1),),
    "shelf": {"a": Box(1)},
    "keys": (UUID(KEY),),
    "days": {date(2026, 1, 31)},
    "times": (datetime(2026, 1, 31, 10, tzinfo=UTC),),
    "size": Size.SMALL,
    "colour": Colour.RED,
}
NAMES = list(HELD)
OTHER = {
    "price": (Decimal(13), "13"),
    "due": (date(2026, 2, 1), "2026-02-01"),
    "key": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "share": (Fraction(1, 3), "1/3"),
    "box": (Box(4, labels=["x"]), {"width": 4, "labels": ["x"]}),
    "boxes": ([Box(2)], [{"width": 2}]),
    "span": ((0.0, 1.0), [0.0, 1.0]),
    "names": ({"d", "c"}, ["c", "d"]),
    "prices": ({"b": Decimal("0.10")}, {"b": "0.10"}),
    "stack": ((Box(2),), [{"width": 2}]),
    "shelf": ({"b": Box(2)}, {"b": {"width": 2}}),
    "keys": ((UUID(int=1),), ["00000000-0000-0000-0000-000000000001"]),
    "days": ({date(2026, 2, 1)}, ["2026-02-01"]),
    "times": ((datetime(2026, 2, 1, tzinfo=UTC),), ["2026-02-01T00:00:00+00:00"]),
    "size": (Size.LARGE, 2),
    "colour": (Colour.BLUE, "blue"),
}


def backend(**row: Any) -> CannedSession:
    """Answer with one row, and with what is written to it."""
    return canned({"GET tasks/1/": {**ROW, **row}, "PATCH tasks/1/": lambda request: {**ROW, **request.json}})


def held(**row: Any) -> Parcel:
    """Read the row."""
    return Parcel.objects.using(backend(**row)).get(1)


class TestReading:
    @pytest.mark.parametrize("name", NAMES)
    def test_gives_values_of_the_declared_type(self, name: str) -> None:
        """What the backend sends becomes what the annotation says, and is no change."""
        parcel = held()

        assert (HELD[name], {}) == (getattr(parcel, name), parcel.changes)

    @pytest.mark.parametrize("name", NAMES)
    def test_survives_pickling(self, name: str) -> None:
        """A pickle holds what was read and what was changed."""
        parcel = held()
        setattr(parcel, name, OTHER[name][0])
        loaded = pickle.loads(pickle.dumps(parcel))

        assert ({name: OTHER[name][0]}, OTHER[name][0]) == (loaded.changes, getattr(loaded, name))

    @pytest.mark.parametrize(
        ("name", "raw", "said"),
        [
            ("price", "x", "Parcel.price of row 1: expected a Decimal, got str 'x'"),
            ("due", "2026", "Parcel.due of row 1: expected a date, got str '2026'"),
            ("box", {"width": 1, "price": "q"}, "Parcel.box.price of 1: expected a Decimal, got str 'q'"),
            ("box", {"width": -1}, "Parcel.box of 1: a box has no negative width"),
            ("boxes", [{"width": 1}, {}], "Parcel.boxes[1].width of 1: it is missing"),
            ("span", "ab", "Parcel.span of 1: expected a list, got str 'ab'"),
        ],
    )
    def test_tells_where_a_value_does_not_fit(self, name: str, raw: Any, said: str) -> None:
        """A wrong value of the backend is a `MappingError` with its path."""
        with pytest.raises(MappingError) as caught:
            getattr(held(**{name: raw}), name)

        assert said.replace(" of row 1", "") == str(caught.value).replace(" of row 1", "")


class TestWriting:
    @pytest.mark.parametrize("name", NAMES)
    def test_sends_what_was_set(self, name: str) -> None:
        """An assigned value is sent as the converter writes it, and kept."""
        parcel, (value, wire) = held(), OTHER[name]
        setattr(parcel, name, value)
        parcel.save()

        assert {name: wire} == parcel._state.session.requests[-1].json
        assert (value, {}) == (getattr(parcel, name), parcel.changes)

    @pytest.mark.parametrize("name", NAMES)
    def test_takes_wire_values(self, name: str) -> None:
        """What the wire has is taken as well as what Python has."""
        value, wire = OTHER[name]
        parcel = Parcel(**{name: wire})

        assert value == getattr(parcel, name)

    def test_notices_edits_inside(self) -> None:
        """A list inside of a class inside of a list is a change once it is edited."""
        parcel = held()
        parcel.boxes[0].labels.append("x")
        parcel.names.add("c")

        assert {"boxes": [Box(1, labels=["x"])], "names": {"a", "b", "c"}} == parcel.changes

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("price", True, "expected a Decimal, got bool True"),
            ("price", Decimal("NaN"), "expected a finite number, got Decimal"),
            ("due", datetime(2026, 1, 1, tzinfo=UTC), r"expected a date, got datetime.*write value.date\(\)"),
            ("key", "zz", "expected a UUID, got str 'zz'"),
            ("boxes", [{"width": 1}, {"width": "z"}], r"boxes\[1\]\.width: expected an integer, got str 'z'"),
            ("box", {"wdth": 1}, "a Box has no 'wdth'.*did you mean 'width'"),
            ("names", [1], r"names\[0\]: expected text, got int 1"),
            ("prices", {"a": "x"}, "expected .*Decimal"),
        ],
    )
    def test_refuses_what_does_not_fit(self, name: str, value: Any, said: str) -> None:
        """A wrong value is refused when it is set, with its path, and nothing is set."""
        parcel = held()
        with pytest.raises(MappingError, match=rf"^Parcel\..*{said}"):
            setattr(parcel, name, value)

        assert {} == parcel.changes

    def test_gives_json(self) -> None:
        """`to_dict(json=True)` holds what `json.dumps()` takes."""
        shown = held().to_dict(json=True)

        assert ("12.50", KEY, "1/2", [1.0, 2.5], ["a", "b"]) == tuple(
            shown[name] for name in ("price", "key", "share", "span", "names")
        )


def test_filters_take_dates_and_uuids() -> None:
    """A lookup on such a field checks its value."""
    query = Parcel.objects.filter(due="2026-01-31", key=UUID(KEY))

    assert "due=datetime.date(2026, 1, 31)" in repr(query)
    assert KEY in repr(query)


def test_a_lookup_on_a_type_that_does_not_travel_is_refused_when_declared() -> None:
    """The message says how to give the type that a filter sends."""
    declared = {"__module__": __name__, "__annotations__": {"id": int, "price": Decimal}, "id": read_only()}

    with pytest.raises(TypeError, match=r"no filter takes <class 'decimal.Decimal'>.*of=str"):
        entity("tasks")(type("Priced", (Entity,), {**declared, "lookups": {"price": By(Exact)}}))
