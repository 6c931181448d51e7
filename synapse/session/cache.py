"""Rows that relations have fetched, kept for a while."""

from __future__ import annotations

import threading

from collections.abc import Callable, MutableMapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Final, cast

from cachetools import TTLCache

from synapse.mapping.json import JsonValue, seal, unseal
from synapse.session.pacing import StoppedError

SIZE: Final = 10_000

Row = dict[str, Any]
Place = tuple[str, str, int]


class RelationCache:
    """Raw rows by resource and key, the least recently used dropped first; safe to share between threads.

    They are sealed, so that each reader has a row of its own.

    `ttl` is the life of a row in seconds; `None` or 0 keeps nothing.
    """

    def __init__(self, ttl: float | None = 300, *, size: int = SIZE) -> None:
        self.ttl = ttl
        self._rows: MutableMapping[Place, JsonValue] | None = None
        if ttl:
            self._rows = cast("MutableMapping[Place, JsonValue]", TTLCache(size, ttl))
        self._flights: dict[tuple[Place, int], Future[JsonValue]] = {}
        self._generation: dict[str, int] = {}
        self._tickets: dict[str, int] = {}
        self._lock = threading.Lock()

    def get(self, resource: str, pk: object) -> Row | None:
        """Return the row, or `None` if it is not held."""
        if self._rows is None:
            return None
        with self._lock:
            kept = self._rows.get(self._key(resource, pk))
        return cast("Row | None", unseal(kept))

    def ticket(self, resource: str) -> int:
        """Return what `put` needs to tell whether a write came between asking for a row and its answer."""
        with self._lock:
            return self._tickets.get(resource, 0)

    def put(self, resource: str, pk: object, *, row: Row, ticket: int | None = None) -> None:
        """Hold *row* until its time is over or a write drops it; one that a write overtook is not held."""
        if self._rows is not None:
            kept = seal(row)
            with self._lock:
                if ticket is None or ticket == self._tickets.get(resource, 0):
                    self._rows[self._key(resource, pk)] = kept

    def once(self, resource: str, pk: object, *, get: Callable[[], JsonValue]) -> JsonValue:
        """Give the row, or what *get* gives for it; of callers that want the same at once, only the first calls it."""
        if self._rows is None:
            return get()
        while True:
            with self._lock:
                place, ticket = self._key(resource, pk), self._tickets.get(resource, 0)
                if (kept := self._rows.get(place)) is not None:
                    return unseal(kept)
                # A write has come in between where the tickets differ: what was asked for before it may be outdated.
                flight = self._flights.get((place, ticket))
                if flight is None:
                    mine = self._flights[place, ticket] = Future[JsonValue]()
                    break
            with suppress(CancelledError):
                return unseal(flight.result())
        return self._fly(mine, (place, ticket), get=get)

    def _fly(
        self, flight: Future[JsonValue], key: tuple[Place, int], *, get: Callable[[], JsonValue]
    ) -> JsonValue:
        (resource, pk, _), ticket = key
        try:
            row = get()
            if isinstance(row, dict):
                self.put(resource, pk, row=row, ticket=ticket)
            flight.set_result(seal(row))
        except StoppedError:
            raise  # only this caller has left: another one of those that wait asks
        except Exception as error:
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.cancel()
        return row

    def drop(self, resource: str, pk: object) -> None:
        """Forget one row."""
        with self._lock:
            self._outdate(resource)
            if self._rows is not None:
                self._rows.pop(self._key(resource, pk), None)

    def drop_all(self, resource: str) -> None:
        """Forget every row of one resource."""
        with self._lock:
            # Rows of an older generation are never asked for again and leave by age.
            self._generation[resource] = self._generation.get(resource, 0) + 1
            self._outdate(resource)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            if self._rows is not None:
                self._rows.clear()

    def __len__(self) -> int:
        if self._rows is None:
            return 0
        with self._lock:
            current = self._generation
            return sum(1 for resource, _, generation in self._rows if current.get(resource, 0) == generation)

    def _outdate(self, resource: str) -> None:
        self._tickets[resource] = self._tickets.get(resource, 0) + 1

    def _key(self, resource: str, pk: object) -> Place:
        return resource, str(pk), self._generation.get(resource, 0)
