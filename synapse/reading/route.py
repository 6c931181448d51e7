"""One page of a result: asked for by a piece of a plan, answered by the backend, handed out as a window."""

from __future__ import annotations

import logging
import time

from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from synapse.dialects import Found, Request, Table
from synapse.errors import ClientError, NotFoundError, TransportError
from synapse.query.kinds import LARGEST as LARGEST_KEY
from synapse.session.retry import SLOW as TOO_SLOW

if TYPE_CHECKING:
    from synapse.session import Session
    from synapse.session.decoding import Decode

_log = logging.getLogger("synapse")

EMPTY_PAGES: Final = 3
PATIENCE: Final = 3
"""After three timeouts on one page, the read fails with a checkpoint."""


@attrs.frozen(eq=False, repr=False)
class Window:
    """Consecutive rows of a result as they came; `first` is the place of the first one, `token` its page's cursor.

    `key` is the last key before them, and `odd` counts the rows without one in between.
    """

    first: int
    rows: list[Any]
    token: str = ""
    key: Any = None
    odd: int = 0


@attrs.define(eq=False, repr=False)
class PageRequest:
    """One request of a plan, for a page of `size` rows.

    `rows` are what it brought, `error` is what it ended with. `timeouts` counts the requests in a row that took too
    long here. `follower` is what was sent because the answer to this one named it, which it is `ahead` of its route.
    """

    request: Request
    size: int
    sent: bool = False
    rows: list[Any] | None = None
    error: Exception | None = None
    timeouts: int = 0
    follower: PageRequest | None = None
    ahead: bool = False

    def following(self, found: Found) -> PageRequest | None:
        """Give the next request where this answer alone tells it, so that it can go before the route takes that in."""
        return None

    @property
    def is_retried(self) -> bool:
        """Whether this is tried again after a timeout, so that nothing else should be sent meanwhile."""
        return self.timeouts > 0 and self.rows is None


@attrs.frozen(eq=False, repr=False)
class FetchedPage:
    """A page that came, and what it cost: seconds on the clock, seconds of this machine's work, bytes where known."""

    found: Found
    seconds: float
    work: float
    size: int | None

    @property
    def near(self) -> bool:
        """Whether it came at once."""
        return self.seconds - self.work < NEAR


class Route(Protocol):
    """How one plan goes from answer to answer. It sends nothing itself, and one thread at a time uses it.

    `shortfall` tells, where the end came too soon, how many rows were given and how many the backend counted.
    """

    shortfall: tuple[int, int] | None

    def next_request(self) -> PageRequest | None:
        """Give the next request that can be sent now."""

    def receive(self, request: PageRequest, outcome: FetchedPage | Exception) -> None:
        """Take in what became of a request, in whatever order answers come."""

    def ready_rows(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        ...

    @property
    def buffered(self) -> int:
        """How many pages have come and were not given yet."""
        ...

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on once so many rows of a window were handed out."""
        ...


@attrs.frozen(eq=False, repr=False)
class PreviousPage:
    """The page that was read before: where it began among the pages of its request, and how large those are."""

    found: Found
    first: int
    size: int

    @property
    def ends(self) -> bool:
        """Whether the rows up to here are all that the backend had to give."""
        if self.found.count is not None:
            return self.first + len(self.found.rows) >= self.found.count
        return len(self.found.rows) < self.size


def fetch(table: Table, request: Request, *, session: Session, decode: Decode | None = None) -> FetchedPage:
    """Read one page, refusing a link to the next one that leads to another host."""
    started, worked = time.perf_counter(), time.thread_time()
    reply = session.send(request, decode=decode) if decode else session.send(request)
    found = table.found(reply, request)
    if found.link:
        session.check_link(found.link)
    return FetchedPage(
        found,
        time.perf_counter() - started,
        time.thread_time() - worked,
        reply.length,
    )


def took_too_long(error: Exception) -> bool:
    """Whether a smaller page may come where this one did not come in time, or was more than memory should hold."""
    if isinstance(error, ClientError):
        return error.status_code in TOO_SLOW
    return isinstance(error, TransportError) and (error.timed_out or error.too_large)


def should_ask_for_less(piece: PageRequest, error: Exception) -> bool:
    """Whether to ask for less in place of what took too long; a backend that hangs is given up soon."""
    if not took_too_long(error) or piece.timeouts >= PATIENCE - 1:
        return False
    level = logging.WARNING if piece.timeouts else logging.INFO
    _log.log(level, "%s took too long or was too large; asking for fewer rows at once", piece.request.shown)
    return True


def missing_page(request: Request, cause: NotFoundError) -> TransportError:
    """Make the error for a page that should be there."""
    error = TransportError(
        f"{request.method} {request.shown}: the page before named this one, which is not there; rows may have "
        "been deleted meanwhile. What came so far is not the whole result: read it again",
        method=request.method,
        url=request.shown,
        status_code=cause.status_code,
    )
    error.__cause__ = cause
    return error


def check_empty_pages(request: Request, empty: int) -> None:
    """Refuse pages without rows, or without one that has a key, that go on naming a next one."""
    if empty > EMPTY_PAGES:
        raise TransportError(
            f"{request.method} {request.path}: {empty} empty pages in a row, or pages of rows without a key, each "
            "naming a next one"
        )


def integer_keys(table: Table, rows: list[Any]) -> list[Any]:
    """Read the keys off rows that are told by integers; None for a row whose key is none, or is beyond 64 bits."""
    keys = table.keys(rows)
    if set(map(type, keys)) == {int} and -LARGEST_KEY <= min(keys) <= max(keys) <= LARGEST_KEY:
        return keys
    return [key if key.__class__ is int and -LARGEST_KEY <= key <= LARGEST_KEY else None for key in keys]


LARGEST: Final = 1_000
BYTES: Final = 1 << 20
NEAR: Final = 0.005
"""Who waits less than this for an answer, in seconds, gains nothing by having other threads wait for it."""
CACHED: Final = 1 << 17
"""What is parsed of a page of so many bytes stays in a processor's cache; a larger one saves only waiting."""
CACHED_UNPARSED: Final = 1 << 19
"""The same for a page whose JSON fields are left as texts."""
GROWTH: Final = 4
"""How many times larger the next pages may be, as long as none took too long."""
QUICK: Final = 0.5
SLOW: Final = 2.0
SMALLEST: Final = 10


class PageSize:
    """The page size of one walk. `size` is what to ask for, `real` what a page is known to hold at most.

    Pages that come at once, and are soonest read if they stay in a cache, have about *cached* bytes.
    """

    def __init__(self, size: int, *, most: int | None = None, cached: int = CACHED) -> None:
        self.size = self._usual = size
        self.most = max(size, LARGEST) if most is None else most
        self._cached = cached
        self._cap: int | None = None
        self._growth = GROWTH

    @property
    def real(self) -> int:
        """The number of rows that a full page brings."""
        return self.size if self._cap is None else min(self.size, self._cap)

    @property
    def per_range(self) -> int:
        """The number of rows to cut a range for: twice what a page held is two pages, if it can really hold no more."""
        return min(self.size, 2 * self.real)

    def note(self, answer: FetchedPage, *, asked: int, more: bool, long: bool) -> None:
        """Learn from a page: *more* says that it could not hold all, *long* that there are many more like it."""
        rows = len(answer.found.rows)
        if more and 0 < rows < asked:
            # Some backends give fewer rows now and then: the fullest page tells what they allow.
            self._cap = max(rows, self._cap or 0)
        elif self._cap is not None and rows > self._cap:
            self._cap = rows
        if answer.seconds > SLOW:
            self._ask_for_half(asked)
        elif long and asked == self.real and 2 * rows >= asked and answer.seconds <= QUICK:
            times = (self._cached if answer.near else BYTES) // max(answer.size or 0, 1)
            self.size = min(max(min(times, self._growth), 1) * asked, self.most)

    def shrink(self, asked: int) -> None:
        """Ask for no more than half of what did not come in time, and for no more than usual."""
        self._ask_for_half(asked)
        self.size = min(self.size, self._usual)

    def _ask_for_half(self, asked: int) -> None:
        self.size = min(self.size, max(asked // 2, min(SMALLEST, asked)))
        self._growth = 2
