"""Reading by the backend's own cursor, page by page."""

from __future__ import annotations

from typing import Any

import attrs

from synapse.dialects import Place, Table
from synapse.errors import TransportError
from synapse.query import Query
from synapse.query.kinds import Key
from synapse.reading import parts
from synapse.reading.checkpoint import Seen, Trail
from synapse.reading.route import Answer, Piece, Window, check_empty, may_be_smaller, numbers_of


@attrs.define(eq=False, kw_only=True)
class Turn(Piece):
    """One page by its cursor; the first one has none."""

    token: str


class Cursors:
    """The route along the backend's cursors. Rows up to the key `after` were handed out."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        size: int,
        state: dict[str, Any] | None = None,
    ) -> None:
        state = state or {}
        self._table, self._query, self._size = table, query, size
        self._by_key = parts.by_key(table, query) and isinstance(table.schema.key, Key)
        self._down = self._by_key and query.order[0].startswith("-")
        self._trail = Trail(self._keys, state=state, by_page=True)
        self._after, self._place = state.get("key"), state.get("place", query.start)
        # A chain has no place to begin at but its first row.
        self._skip = 0 if state else query.start
        self._given = Seen()
        self._empty = 0
        self._nodes: list[Turn] = [self._turn(state.get("token", ""))]
        self.lacks: tuple[int, int] | None = None

    def _turn(self, token: str) -> Turn:
        request = self._table.select(self._query, at=token, size=self._size)
        return Turn(request, self._size, token=token)

    def take(self) -> Piece | None:
        """Give the next request: there is one at a time, since each page names the next."""
        turn = self._nodes[-1] if self._nodes else None
        if turn is None or turn.sent:
            return None
        turn.sent = True
        return turn

    def land(self, piece: Piece, outcome: Answer | Exception) -> None:
        """Take in what became of a request."""
        assert isinstance(piece, Turn)
        if piece not in self._nodes:
            return  # the slice was full before this came
        if isinstance(outcome, Exception):
            if piece.size > 1 and may_be_smaller(piece, outcome):
                self._size = piece.size // 2
                self._nodes[self._nodes.index(piece)] = again = self._turn(piece.token)
                again.late = piece.late + 1
            else:
                piece.error = outcome
            return
        page = outcome.page
        try:
            rows = self._fresh(page.rows) if self._by_key else self._unseen(piece, page.rows)
        except TransportError as error:
            piece.error = error
            return
        skipped = min(self._skip, len(rows))
        piece.rows, self._skip = rows[skipped:], self._skip - skipped
        due = self._query.stop is None or self._place + self._coming() < self._query.stop
        if (page.next is None and page.link is None) or not due:
            return
        self._empty = 0 if page.rows else self._empty + 1
        try:
            check_empty(piece.request, self._empty)
            self._nodes.append(self._turn(self._next(piece, page.next)))
        except TransportError as error:
            self._nodes.append(Turn(piece.request, piece.size, sent=True, error=error, token=""))

    def _coming(self) -> int:
        return sum(len(turn.rows or ()) for turn in self._nodes)

    def _next(self, turn: Turn, token: Place | None) -> str:
        if not isinstance(token, str) or token == turn.token:
            raise TransportError(
                f"{turn.request.method} {turn.request.shown}: the backend names a next page, but no cursor of it; it "
                'seems to know none. Read with plan="pages" instead',
                method=turn.request.method,
                url=turn.request.shown,
            )
        return token

    def give(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._nodes:
            turn = self._nodes[0]
            if turn.error is not None:
                raise turn.error
            if turn.rows is None:
                return None
            del self._nodes[0]
            rows = self._trail.rest(turn.rows) if self._trail.pending else turn.rows
            if self._query.stop is not None:
                rows = rows[: self._query.stop - self._place]
            first, self._place = self._place, self._place + len(rows)
            if self._query.stop is not None and self._place >= self._query.stop:
                self._nodes = []
            if rows:
                return self._trail.window(first, rows, token=turn.token)
        return None

    def _fresh(self, rows: list[Any]) -> list[Any]:
        """Leave out what was handed out before the reading was broken off, and before this page."""
        keys, after = self._keys(rows), self._after
        if after is not None:
            fresh = [key is None or ((key < after) if self._down else (key > after)) for key in keys]
            # What has no key was handed out where a row behind it was.
            passed = max((place + 1 for place, is_fresh in enumerate(fresh) if not is_fresh), default=0)
            kept = [is_fresh and (keys[at] is not None or at >= passed) for at, is_fresh in enumerate(fresh)]
            rows = [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]
            # A page that lies before the place to go on from tells nothing about it.
            keys = [key for key, is_kept in zip(keys, kept, strict=True) if is_kept]
        self._after = next((key for key in reversed(keys) if key is not None), after)
        return rows

    def _unseen(self, turn: Turn, rows: list[Any]) -> list[Any]:
        """Leave out what was handed out, in an order that keys do not tell: by the last key, and by all that came."""
        keys, after, self._after = self._keys(rows), self._after, None
        if after is not None and after not in keys:
            raise TransportError(
                f"{turn.request.method} {turn.request.shown}: the row that was handed out last is not on the page that "
                "it was on, so that nothing tells how far this got. Read from the start",
                method=turn.request.method,
                url=turn.request.shown,
            )
        first = 0 if after is None else keys.index(after) + 1
        named = list(zip(rows, keys, strict=True))
        for _, key in named[:first]:
            self._given.add(key)
        return [row for row, key in named[first:] if key is None or self._given.add(key)]

    def _keys(self, rows: list[Any]) -> list[Any]:
        return numbers_of(self._table, rows) if self._by_key else self._table.keys(rows)

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return not self._nodes

    @property
    def held(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for turn in self._nodes if turn.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: the cursor of the page, and the last key."""
        return {"token": window.token, **self._trail.state(window, taken)}
