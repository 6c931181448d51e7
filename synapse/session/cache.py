"""Rows that relations have fetched, kept for a while."""

from __future__ import annotations

import threading

from collections.abc import Callable
from operator import delitem, getitem, setitem
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from synapse.errors import SynapseError
from synapse.mapping.json import JsonValue, seal, unseal
from synapse.session.throttle import StoppedError

if TYPE_CHECKING:
    from cachetools import TTLCache

T = TypeVar("T")

SIZE: Final = 10_000

Row = dict[str, Any]
Place = tuple[str, str, int, str]


class _Flight:
    """A row that is being asked for: by whoever holds the lock, unless the outcome is there."""

    __slots__ = ("error", "lock", "row")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.row: tuple[JsonValue] | None = None
        self.error: Exception | None = None


class RelationCache:
    """Raw rows by resource and key, the least recently used dropped first; safe to share between threads.

    Each reader gets a copy of its own. `ttl` is how long a row is kept, in seconds; `None` or 0 keeps nothing. A row
    that was asked of another API generation than its home looks otherwise, and is kept under its name, `api`; a write
    drops those of all.
    """

    # Every lock is left with the block that took it, and nothing is fetched under the one that all share: an interrupt
    # at any moment leaves nothing half done.

    def __init__(self, ttl: float | None = 300, *, size: int = SIZE) -> None:
        self.ttl = ttl
        self._size = size
        self._rows: TTLCache[Place, JsonValue] | None = None
        self._flights: dict[tuple[Place, int], _Flight] = {}
        self._generation: dict[str, int] = {}
        self._tickets: dict[str, int] = {}
        self._apis = {""}
        # A destructor or the handler of a signal, in the middle of it, may read as well.
        self._lock = threading.RLock()

    def get(self, resource: str, pk: object, *, api: str | None = None) -> Row | None:
        """Return the row, or `None` if it is not held."""
        with self._lock:
            kept = self._on_rows(getitem, self._key(resource, pk, api))
        return cast("Row | None", unseal(kept))

    def ticket(self, resource: str) -> int:
        """Return a ticket, by which `put()` detects a write between the request for a row and its answer."""
        with self._lock:
            return self._tickets.get(resource, 0)

    def put(
        self, resource: str, pk: object, *, row: Row, ticket: int | None = None, api: str | None = None
    ) -> None:
        """Keep *row* until it expires or a write drops it; a row whose *ticket* is older than a write is not kept."""
        if self.ttl:
            kept = seal(row)
            with self._lock:
                if ticket is None or ticket == self._tickets.get(resource, 0):
                    self._on_rows(setitem, self._key(resource, pk, api), kept)

    def once(
        self, resource: str, pk: object, *, get: Callable[[], JsonValue], api: str | None = None
    ) -> JsonValue:
        """Return the cached row, or call *get* for it; of concurrent callers, only the first calls *get*."""
        if not self.ttl:
            return get()
        with self._lock:
            place, ticket = self._key(resource, pk, api), self._tickets.get(resource, 0)
            if (kept := self._on_rows(getitem, place)) is not None:
                return unseal(kept)
            # A write has come in between where the tickets differ: what was asked for before it may be outdated.
            flight = self._flights.setdefault((place, ticket), _Flight())
        with flight.lock:
            if flight.error is not None:
                raise flight.error
            if flight.row is not None:
                return unseal(flight.row[0])
            # Whoever was at it before has left without an outcome: it is this caller's turn.
            return self._fly(flight, (place, ticket), get=get)

    def _fly(self, flight: _Flight, key: tuple[Place, int], *, get: Callable[[], JsonValue]) -> JsonValue:
        (resource, pk, _, api), ticket = key
        try:
            row = get()
        except StoppedError:
            raise  # only this caller has left, as after an interrupt: another one of those that wait asks
        except SynapseError as error:
            # Who comes from now on asks anew, and only those that wait get the outcome.
            self._flights.pop(key, None)
            flight.error = error
            raise
        kept = seal(row)
        if isinstance(row, dict):
            self.put(resource, pk, row=row, ticket=ticket, api=api)
        self._flights.pop(key, None)
        flight.row = (kept,)
        return row

    def drop(self, resource: str, pk: object) -> None:
        """Forget one row."""
        with self._lock:
            self._outdate(resource)
            self.discard(resource, pk)

    def discard(self, resource: str, pk: object) -> None:
        """Forget one row because a newer version was read; unlike `drop()`, this does not count as a write."""
        with self._lock:
            for api in tuple(self._apis):
                self._on_rows(delitem, self._key(resource, pk, api))

    def drop_all(self, resource: str) -> None:
        """Forget every row of one resource."""
        with self._lock:
            # Rows of an older generation are never asked for again and leave by age.
            self._generation[resource] = self._generation.get(resource, 0) + 1
            self._outdate(resource)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._rows = None

    def __len__(self) -> int:
        with self._lock:
            places: list[Place] = self._on_rows(list) or []
            return sum(
                generation == self._generation.get(resource, 0) for resource, _, generation, _ in places
            )

    def _on_rows(self, step: Callable[..., T], *arguments: Any) -> T | None:
        """Take one step on the rows, and give None where it finds none; the lock is held."""
        if self._rows is None:
            from cachetools import TTLCache

            self._rows = TTLCache[Place, JsonValue](self._size, self.ttl or 0)
        try:
            return step(self._rows, *arguments)
        except KeyError:
            return None
        except BaseException:
            # Ctrl-C inside may break its linked list for good: forgetting the rows is better than failing ever after.
            self._rows = None
            raise

    def _outdate(self, resource: str) -> None:
        self._tickets[resource] = self._tickets.get(resource, 0) + 1

    def _key(self, resource: str, pk: object, api: str | None = None) -> Place:
        self._apis.add(api or "")
        return resource, str(pk), self._generation.get(resource, 0), api or ""
