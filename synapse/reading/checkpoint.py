"""Where a reading stands: the keys that came, the last row handed out, and the text that another process resumes by."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.dialects import FIRST, Table
from synapse.errors import QueryError, WrongHostError, describe
from synapse.query import Condition, In, Query
from synapse.query.kinds import LARGEST
from synapse.reading import parts
from synapse.reading.route import Window

if TYPE_CHECKING:
    from synapse.session import Backend

VERSION: Final = 1


@attrs.frozen(eq=False, repr=False)
class Fingerprints:
    """The fingerprints of a backend, its workspace and a query's rows; `aliases` are other addresses of the backend.

    `api` is the name of the API generation that is read.
    """

    host: str
    query: str
    tenant: str = ""
    aliases: frozenset[str] = frozenset()
    api: str = FIRST


def stamp(table: Table, query: Query, *, backend: Backend) -> Fingerprints:
    """Take the fingerprints of a query on a backend: what a row carries or nests is no part of them."""
    where = sorted(f"{each.name} {each.lookup.name} {_spelled(each)}" for each in query.where)
    asked = [
        table.schema.entity,
        *where,
        repr((query.order, query.start, query.stop, query.params, query.empty)),
    ]
    return Fingerprints(
        _digest(backend.host),
        _digest("\n".join(asked)),
        "" if backend.tenant is None else _digest(backend.tenant),
        frozenset(map(_digest, backend.aliases)),
        table.api,
    )


def _spelled(condition: Condition) -> str:
    """Spell a value; a list of values is the same in any order, as a set has another one in each process."""
    return repr(sorted(map(repr, condition.value))) if condition.lookup is In else repr(condition.value)


def write(stamped: Fingerprints, *, plan: str, state: dict[str, Any]) -> str:
    """Put down where a reading stands."""
    kept = {"v": VERSION, "host": stamped.host, "query": stamped.query, "plan": plan, "at": state}
    if stamped.tenant:
        kept["tenant"] = stamped.tenant
    if stamped.api != FIRST:
        kept["api"] = stamped.api
    text = json.dumps(kept, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(checkpoint: object, stamped: Fingerprints, *, what: str) -> tuple[Any, dict[str, Any]]:
    """Give the plan and the state of a checkpoint, or raise `QueryError` where it is of another query or host."""
    kept = _parsed(checkpoint)
    host, tenant = kept.get("host"), kept.get("tenant", "")
    if host not in (stamped.host, *stamped.aliases) or (tenant and stamped.tenant not in ("", tenant)):
        raise WrongHostError(
            f"this checkpoint is of another backend, or of another workspace, than {what} goes to; resume it through a "
            "session for its own, by .using(session). If that is another address of the same backend, say so by "
            "SYNAPSE_HOST_ALIASES or Session(aliases=[...]). Nothing was sent"
        )
    if kept.get("api", FIRST) != stamped.api:
        raise QueryError(
            f"this checkpoint is of another API generation than {what} goes by, which is {stamped.api}, and the "
            f"pages of both are not the same; via({describe(kept.get('api', FIRST))}) has that one. Nothing was sent",
            code="wrong-checkpoint",
        )
    if kept.get("query") != stamped.query:
        raise QueryError(
            f"this checkpoint is of another query than {what}; resume the query that it was made by, with the same "
            "filters, order and slice. Nothing was sent",
            code="wrong-checkpoint",
        )
    return kept.get("plan"), kept["at"]


def check(state: dict[str, Any], query: Query, *, by_key: bool) -> None:
    """Refuse a state that no reading of this query leaves behind; *by_key*, it goes on behind an integer key."""
    stop = LARGEST if query.stop is None else query.stop
    wanted: dict[str, Callable[[Any], bool]] = {
        "key": lambda value: value is None or (_is_number(value) if by_key else type(value) in (int, str)),
        "place": lambda value: _is_number(value) and query.start <= value <= stop,
        "odd": lambda value: _is_number(value) and value >= 0,
        "token": lambda value: isinstance(value, str),
        "last": lambda value: (
            isinstance(value, list) and not any(isinstance(each, list | dict) for each in value)
        ),
    }
    if by_key:
        del wanted["last"]
    for name, value in state.items():
        if name not in wanted or not wanted[name](value):
            raise unreadable()


def unreadable() -> QueryError:
    """Make the error of a checkpoint that holds what none of ours does."""
    return QueryError(
        "this is no checkpoint that this version can read; nothing was sent", code="wrong-checkpoint"
    )


def _is_number(value: object) -> bool:
    return type(value) is int and abs(value) <= LARGEST


def _parsed(checkpoint: object) -> dict[str, Any]:
    if not isinstance(checkpoint, str):
        raise QueryError(
            f"resume() takes the checkpoint of an iterator or of an error, got {describe(checkpoint)}"
        )
    try:
        kept = json.loads(
            base64.b64decode(checkpoint + "=" * (-len(checkpoint) % 4), altchars=b"-_", validate=True)
        )
    except (ValueError, binascii.Error):
        kept = None
    if not isinstance(kept, dict) or kept.get("v") != VERSION or not isinstance(kept.get("at"), dict):
        raise unreadable()
    return kept


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


ReadKeys = Callable[[list[Any]], list[Any]]
"""Reads the keys off rows; None for a row without one that can be compared."""


class KeyCheckpoint:
    """Says behind which key a reading stands, and leaves out the rows that an earlier one handed out.

    A row without a key follows the last row that has one: its position is that key, and the number of rows without a
    key behind it that were handed out.
    """

    def __init__(self, keys: ReadKeys, *, state: dict[str, Any], by_page: bool = False) -> None:
        self._keys, self._by_page = keys, by_page
        self._behind: tuple[Any, int] = (state.get("key"), state.get("odd", 0))
        self._given: int = state.get("odd", 0)

    @property
    def pending(self) -> bool:
        """Whether the next rows may begin with some that an earlier reading gave."""
        return self._given > 0

    def rest(self, rows: list[Any]) -> list[Any]:
        """Leave out the rows without a key that an earlier reading gave: the first ones behind its last key."""
        keys = self._keys(rows)
        count = next((place for place, key in enumerate(keys) if key is not None), len(keys))
        left_out = min(count, self._given)
        self._given = self._given - left_out if left_out == len(rows) else 0
        return rows[left_out:]

    def window(self, first: int, rows: list[Any], *, token: str = "") -> Window:
        """Give rows as the next window."""
        key, odd = self._behind
        window = Window(first, rows, token, key, 0 if self._by_page else odd)
        self._behind = self._at(window, len(rows))
        return window

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say behind which key so many rows of a window are."""
        key, odd = self._at(window, taken)
        return {"key": key, "place": window.first + taken, **({"odd": odd} if odd else {})}

    def _at(self, window: Window, taken: int) -> tuple[Any, int]:
        for place in range(taken - 1, -1, -1):
            (key,) = self._keys(window.rows[place : place + 1])
            if key is not None:
                return key, taken - 1 - place
        return window.key, window.odd + taken


class LastRow:
    """Tells the rows that were handed out, up to a certain one, from those that were not; false where there is none."""

    def __init__(self, table: Table, query: Query, *, values: list[Any] | None = None) -> None:
        self._table = table
        self._order = [(name.lstrip("-"), name.startswith("-")) for name in query.order]
        self._places = None if values is None else self._read(values)

    def _read(self, values: list[Any]) -> list[Any]:
        named = dict(zip((field for field, _ in self._order), values, strict=False))
        key = named.get(self._table.schema.pk)
        if len(values) != len(self._order) or not self._tell(key, values):
            raise unreadable()
        return self._placed(values)

    def __bool__(self) -> bool:
        return self._places is not None

    def of(self, row: Any) -> dict[str, Any]:
        """Give what to keep of a row, so that it can be told again."""
        return {"last": self._values(row)} if self.places(row) else {}

    def places(self, row: Any) -> bool:
        """Whether a row tells its place: it has a key, and what the result is ordered by fits its field."""
        return self._tell(self._table.key(row), self._values(row))

    def covers(self, row: Any) -> bool:
        """Whether a row was handed out: it is the marked one, or comes before it. One without a place tells nothing."""
        # A row that tells no place may be new as well as old: to hand it out twice is better than to lose it.
        if self._places is None or not self.places(row):
            return False
        own_places = self._placed(self._values(row))
        for (_, down), own, marked in zip(self._order, own_places, self._places, strict=True):
            if own != marked:
                return bool(own > marked if down else own < marked)
        return True

    def _values(self, row: Any) -> list[Any]:
        return [self._table.value(row, field) for field, _ in self._order]

    def _tell(self, key: Any, values: list[Any]) -> bool:
        if type(key) not in (int, str) or (isinstance(key, int) and abs(key) > LARGEST):
            return False
        fields = zip(self._order, values, strict=True)
        return all(parts.can_be_sorted(self._table, value, field=field) for (field, _), value in fields)

    def _placed(self, values: list[Any]) -> list[Any]:
        fields = zip(self._order, values, strict=True)
        return [parts.sort_key(self._table, value, field=field) for (field, _), value in fields]


BITS: Final = 8


class FetchedKeys:
    """A set of keys: integers as bits, 256 of them in a word, anything else as it is."""

    def __init__(self) -> None:
        self._words: dict[int, int] = {}
        self._others: set[Any] = set()
        self.count = 0

    def add(self, key: Any) -> bool:
        """Add a key; False where it was there."""
        if isinstance(key, int):
            word, bit = key >> BITS, 1 << (key & 255)
            held = self._words.get(word, 0)
            if held & bit:
                return False
            self._words[word] = held | bit
        elif key in self._others:
            return False
        else:
            self._others.add(key)
        self.count += 1
        return True

    def __contains__(self, key: object) -> bool:
        if isinstance(key, int):
            return bool(self._words.get(key >> BITS, 0) >> (key & 255) & 1)
        return key in self._others
