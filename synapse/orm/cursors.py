"""Reading by the backend's own cursor, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from synapse.dialects import V1
from synapse.errors import TransportError
from synapse.orm.pages import Answer, Piece, Window, check_empty, may_be_smaller, numbers_of
from synapse.orm.trail import Trail
from synapse.query import Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity


@attrs.define(eq=False, kw_only=True)
class Turn(Piece):
    """One page by its cursor; the first one has none."""

    token: str


class Cursors:
    """The route along the backend's cursors. Rows up to the key `after` were handed out."""

    def __init__(
        self,
        cls: type[Entity],
        query: Query,
        *,
        dialect: V1,
        size: int,
        state: dict[str, Any] | None = None,
    ) -> None:
        state = state or {}
        self._cls, self._query, self._dialect = cls, query, dialect
        self._wire = dialect.pk(cls._schema)
        self._down = query.order[0].startswith("-")
        self._trail = Trail(self._keys, state=state, by_page=True)
        self._after, self._place, self._size = state.get("key"), state.get("place", 0), size
        self._empty = 0
        self._nodes: list[Turn] = [self._turn(state.get("token", ""))]
        self.lacks: tuple[int, int] | None = None

    def _turn(self, token: str) -> Turn:
        request = self._dialect.select(self._cls._schema, self._query, page=1, size=self._size, cursor=token)
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
        piece.rows = self._fresh(page.rows)
        due = self._query.stop is None or self._place + self._coming() < self._query.stop
        if not page.next or not due:
            return
        self._empty = 0 if page.rows else self._empty + 1
        try:
            check_empty(piece.request, self._empty)
            self._nodes.append(self._turn(self._next(piece, page.next)))
        except TransportError as error:
            self._nodes.append(Turn(piece.request, piece.size, sent=True, error=error, token=""))

    def _coming(self) -> int:
        return sum(len(turn.rows or ()) for turn in self._nodes)

    def _next(self, turn: Turn, link: str) -> str:
        token = self._dialect.cursor(link)
        if token is None or token == turn.token:
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

    def _keys(self, rows: list[Any]) -> list[Any]:
        return numbers_of(self._cls, rows, wire=self._wire)

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
