"""Combinations of parameters: all of them, or so few that every two values still meet."""

from __future__ import annotations

import itertools

from collections.abc import Sequence
from typing import Any


def pairwise(*parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return rows in which every value of each parameter meets each value of every other one.

    The two longest parameters are multiplied; a further one takes, row by row, the value that makes the most
    new pairs, and what is then still missing gets rows of its own.
    """
    longest_first = sorted(range(len(parameters)), key=lambda index: -len(parameters[index]))
    sizes = [len(parameters[index]) for index in longest_first]
    rows = [list(row) for row in itertools.product(*map(range, sizes[:2]))]
    for size in sizes[2:]:
        _extend(rows, size, sizes)
    places = {index: place for place, index in enumerate(longest_first)}
    return [
        tuple(values[row[places[index]]] for index, values in enumerate(parameters)) for row in sorted(rows)
    ]


def _extend(rows: list[list[int]], size: int, sizes: Sequence[int]) -> None:
    """Add one value to every row, and the rows that hold the pairs which are then missing."""
    known = len(rows[0]) if rows else 0
    missing = {
        (place, value, new) for place in range(known) for value in range(sizes[place]) for new in range(size)
    }
    for row in rows:
        gains = [
            sum((place, value, new) in missing for place, value in enumerate(row)) for new in range(size)
        ]
        row.append(gains.index(max(gains)))
        missing -= {(place, value, row[-1]) for place, value in enumerate(row[:-1])}
    while missing:
        new = min(missing)[2]
        row = [0] * known
        for place in range(known):
            row[place] = min((value for at, value, to in missing if (at, to) == (place, new)), default=0)
        rows.append([*row, new])
        missing -= {(place, value, new) for place, value in enumerate(row)}
