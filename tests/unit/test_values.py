"""Values of other libraries: Python's own where there is one, advice where there is none."""

from __future__ import annotations

import math
import subprocess
import sys

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synapse.values import advice, is_missing, plain, sendable


class NaTType(datetime):
    """Stands for `pandas.NaT`, which is a datetime that answers nothing."""

    def utcoffset(self) -> timedelta:
        raise ValueError("NaTType does not support utcoffset")


@pytest.mark.parametrize(
    ("value", "own"),
    [
        (np.int64(-3), -3),
        (np.uint8(7), 7),
        (np.float16(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.longdouble(2), 2.0),
        (np.True_, True),
        (np.str_("é"), "é"),
        (True, True),
        ([np.int8(1)], [np.int8(1)]),
    ],
)
def test_scalars_become_python_s(value: Any, own: Any) -> None:
    """The value is the same, its class is Python's; what holds others is left as it is."""
    assert (own, type(own)) == (plain(value), type(plain(value)))


@pytest.mark.parametrize("value", [np.datetime64("2026-01-01"), np.timedelta64(1, "s"), np.bytes_(b"x"), 1j])
def test_what_is_no_number_stays(value: Any) -> None:
    """A point in time without a zone, a span and bytes have no one meaning."""
    assert plain(value) is value


def test_numpy_is_not_imported() -> None:
    """Looking at a value costs no import of numpy, which the SDK doesn't need."""
    code = (
        "import sys; from synapse.values import plain; plain(1.5), plain(b''); print('numpy' in sys.modules)"
    )

    assert "False" == subprocess.check_output([sys.executable, "-c", code], text=True).strip()


@pytest.mark.parametrize(
    "value", [math.nan, np.float32("nan"), np.datetime64("NaT"), NaTType(2026, 1, 1, tzinfo=UTC)]
)
def test_missing_values_are_known(value: Any) -> None:
    """NaN and the NaT of numpy and pandas stand for no value."""
    assert is_missing(value)


@pytest.mark.parametrize(
    "value", [None, 0, "", "NaN", math.inf, np.arange(2), Decimal(0), datetime(2026, 1, 1, tzinfo=UTC)]
)
def test_other_values_are_not_missing(value: Any) -> None:
    """Zero, empty text, an array: they are values, right or wrong."""
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("text", "word"), [("a\0", "NUL"), ("caf\udce9", "surrogate"), ("\ud83d", "surrogate")]
)
def test_text_that_cannot_travel_is_told(text: str, word: str) -> None:
    """Each reason is named."""
    assert word in str(sendable(text))


@pytest.mark.parametrize("text", ["", "é", "표지판", "🙂", "\x01\n", "\uffff"])
def test_other_text_travels(text: str) -> None:
    """Emoji, control characters and all scripts."""
    assert sendable(text) is None


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (np.arange(2), "value.tolist()"),
        (b"x", "value.decode()"),
        (bytearray(b"x"), "value.decode()"),
        (np.bytes_(b"x"), "value.decode()"),
        (Decimal(1), "float(value) or str(value)"),
        (np.datetime64("2026-01-01"), "str(value)"),
        (datetime(2026, 1, 1, tzinfo=UTC), "value.isoformat()"),
        ({1}, "sorted(value)"),
        (Path("a"), "str(value)"),
    ],
)
def test_advice_names_what_to_write(value: Any, instead: str) -> None:
    """An expression that can be typed."""
    assert f"; write {instead}" == advice(value)
