"""The session: settings, sockets and the traffic of one backend."""

from __future__ import annotations

import os
import threading
import time
import weakref

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar

import attrs

from synapse.dialects import Api, Dialect, Reply, Request, speaking
from synapse.errors import ConfigError, describe, hide
from synapse.masking import Masker, conceal
from synapse.session import current_session, process
from synapse.session.cache import RelationCache
from synapse.session.concurrency import Outcome, run_all
from synapse.session.config import Settings, Timeout, resolve, whole_number
from synapse.session.current_session import shared
from synapse.session.network_settings import warn_unencrypted, warn_unverified
from synapse.session.origin import Backend
from synapse.session.rate import Rate
from synapse.session.retry import Retry
from synapse.session.throttle import wait_once, with_workers
from synapse.session.trace import Trace
from synapse.showing import brief

if TYPE_CHECKING:
    import requests

    from synapse.dialects.wire import Body
    from synapse.session.account import Account
    from synapse.session.decoding import Decode
    from synapse.session.delivery import Delivery
    from synapse.session.replies import RawResponse
    from synapse.session.streams import Download

T = TypeVar("T")
R = TypeVar("R")

_REMEMBERED: Final = 10_000


class Session:
    """A connection to one backend; threads may share it, and a forked child may go on using it.

    Settings that are not given come from the environment (`SYNAPSE_HOST`, `SYNAPSE_API_TOKEN`, …), then from
    `~/.synapse/config.json`. `with session:` makes it the current session of this thread or task, and does not close
    it. `close()` frees its sockets. A pickle holds no tokens: they are looked up again when it is loaded.

    `state_dir` keeps the state of unfinished uploads, so that another process can continue them; by default it is
    the platform's folder for application state, and `False` keeps nothing. `rate` bounds all its requests, repeats
    and transfers included: "10/s", "600/min" or "5000/h" is the most that start in any such period. `language`,
    such as "ko" or "en", is the one that the backend is asked to answer in; without it, the backend chooses. An
    answer of more than `max_answer` bytes, decompressed, is not read into memory; files and streams have no limit.
    `aliases` are other addresses of the same backend (as in `SYNAPSE_HOST_ALIASES`): objects that were read there
    belong to this backend as well. `http` is a `requests.Session` of your own to send by, for a sign-on or adapters
    that you need; a pickle leaves it behind. `api` is the API generation to speak; by default ("auto") each entity
    and each verb goes by the one that is its home, which `explain()` shows.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        api_token: str | None = None,
        agent_token: str | None = None,
        user_token: str | None = None,
        tenant: str | None = None,
        profile: str | None = None,
        language: str | None = None,
        timeout: Mapping[str, float] | Timeout | None = None,
        retry: Retry | None = None,
        workers: int = 8,
        rate: str | Rate | None = None,
        cache: float | None = 300,
        page_size: int = 100,
        max_answer: int = 256 * 1024 * 1024,
        verify: bool | str | None = None,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
        state_dir: str | os.PathLike[str] | Literal[False] | None = None,
        aliases: Iterable[str] = (),
        http: requests.Session | None = None,
        api: Api | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        # Debuggers and error trackers list the variables of each frame: from here on these are masked.
        api_token, agent_token = conceal(api_token), conceal(agent_token)
        user_token, proxies = conceal(user_token), conceal(proxies)
        tokens = {"api_token": api_token, "agent_token": agent_token, "user_token": user_token}
        settings = resolve(
            {"host": host, **tokens, "tenant": tenant, "profile": profile, "language": language, "api": api},
            timeout=timeout,
            retry=retry,
            workers=workers,
            rate=rate,
            cache=cache,
            page_size=page_size,
            max_answer=max_answer,
            verify=verify,
            cert=cert,
            proxies=proxies,
            state_dir=state_dir,
            aliases=aliases,
        )
        if http is not None:
            from synapse.session.http import check

            network = {"verify": verify, "cert": cert, "proxies": proxies}
            check(http, settings, given=[name for name, value in network.items() if value is not None])
        if dialect is not None and api is not None:
            raise ConfigError("Session() takes an api or a dialect, not both")
        self._start(settings, _checked(dialect, settings), http=http)

    @classmethod
    def bare(cls, settings: Settings) -> Self:
        """Make a session of exactly these settings, without the environment and the profile."""
        session = cls.__new__(cls)
        session._start(settings, speaking(settings.api))
        return session

    def _start(self, settings: Settings, dialect: Dialect, *, http: requests.Session | None = None) -> None:
        self._http = http
        self.settings: Settings = settings
        self.dialect: Dialect = dialect
        self.host: str = settings.host
        self.origin: str = settings.base.origin
        self.workers: int = settings.workers
        self.page_size: int = settings.page_size
        # One object for all rows, so that a pickle of many rows holds it once.
        self._backend = Backend(settings.host, settings.tenant, settings.aliases)
        self.closed = False
        self._account: Account | None = None
        self._masker = Masker(self.settings.secrets)
        hide(self._masker)
        self._traces: list[Trace] = []
        self._rewrites: set[tuple[str, str]] = set()
        self._made: Delivery | None = None
        self._renew()
        _alive.add(self)
        if settings.verify is False:
            warn_unverified()
        warn_unencrypted(self.origin)

    @property
    def backend(self) -> Backend:
        """The backend and the workspace of this session."""
        if self._backend.host != self.host:
            self._backend = attrs.evolve(self._backend, host=self.host)
        return self._backend

    @property
    def me(self) -> Account:
        """The user that the token belongs to; asked for once, by one request. Coroutines await `ame()`."""
        if self._account is None:
            if process.is_in_coroutine():
                raise process.blocking("session.me", "`await session.ame()`")
            from synapse.session.account import account_of

            self._account = account_of(self.dialect, self.send)
        return self._account

    def send(self, request: Request, *, decode: Decode | None = None) -> Reply:
        """Send one request and return its reply; a refusal or a failure is raised as a typed error.

        *decode* replaces the JSON parser for the body of a successful answer; it may raise `ValueError`.
        """
        return self._delivery().send(request, decode=decode)

    def masked(self, said: Any) -> Any:
        """Mask the secrets, including the session's tokens, in text or JSON from the backend."""
        return self._masker.words(said) if isinstance(said, str) else self._masker.body(said)

    def check_link(self, link: str) -> None:
        """Raise `OriginError` for a link that leads to another host, where the token must not go."""
        # Nearly every page names the next one by its whole address.
        if not link.startswith(f"{self.settings.base.origin}/"):
            self.settings.base.follow(link, start=f"{self.host}/")

    def lines(self, request: Request) -> AbstractContextManager[Iterator[str]]:
        """Open an event stream, and yield its lines as they arrive."""
        from synapse.session.streams import open_lines

        return open_lines(self._delivery(), request)

    def download(
        self, url: str, *, start: int = 0, headers: Iterable[tuple[str, str]] = ()
    ) -> AbstractContextManager[Download]:
        """Open the file at *url* from byte *start* on; the session's tokens are not sent."""
        from synapse.session.streams import open_download

        return open_download(self._delivery(), url, start=start, headers=tuple(headers))

    def put(self, url: str, body: Body, *, read_timeout: float, again: bool = False) -> RawResponse:
        """Send *body* once to the signed *url*, without the session's tokens, and return the answer, even a refusal.

        *again* says that it was refused before. Without an answer, this raises `TransportError`.
        """
        from synapse.session.signed_urls import put

        url = conceal(url)
        return put(
            self._delivery(),
            url,
            body=body,
            timeout=self.settings.timeout,
            read_timeout=read_timeout,
            again=again,
        )

    def map(
        self, function: Callable[[T], R], items: Iterable[T], *, workers: int | None = None
    ) -> Generator[Outcome[T, R], None, None]:
        """Call *function* with every item, several at once, and yield `(item, result, error)` in order.

        After Ctrl-C, or if the loop is left early, it does not wait for calls that are still running; they end with the
        process.
        """
        self.check_open()
        if workers is None:
            return run_all(function, items, workers=self.workers)
        count = whole_number("workers", workers)
        return run_all(partial(with_workers, function, workers=count), items, workers=count)

    @contextmanager
    def trace(self) -> Iterator[Trace]:
        """Record every HTTP call that the session makes inside the block, from any thread."""
        trace = Trace()
        self._traces.append(trace)
        try:
            yield trace
        finally:
            self._traces[:] = [other for other in self._traces if other is not trace]

    def note_made(self, resource: str, key: Any) -> None:
        """Remember a row that this session created, so that it is not taken for the result of another, lost write."""
        with self._lock:
            self._own[resource, key] = time.monotonic()
            if len(self._own) > _REMEMBERED:
                del self._own[next(iter(self._own))]

    def has_made(self, resource: str, key: Any) -> bool:
        """Whether this session created the row recently."""
        return (resource, key) in self._own

    def had_made(self, resource: str, key: Any, *, at: float) -> bool:
        """Whether this session had created the row at that time of `time.monotonic()`."""
        return self._own.get((resource, key), float("inf")) <= at

    def note_rewriting(self, resource: str, field: str) -> None:
        """Remember that the backend changed a value of this field while it stored it."""
        self._rewrites.add((resource, field))

    def rewrites(self, resource: str, field: str) -> bool:
        """Whether the backend is known to change values of this field."""
        return (resource, field) in self._rewrites

    def reset(self) -> None:
        """Close the sockets, for example when the connection seems dead; the next request opens new ones."""
        with self._lock:
            self.check_open()
            delivery, self._made = self._made, None
        if delivery is not None:
            delivery.close()

    def close(self) -> None:
        """Close the sockets and end waiting requests; later use raises `ConfigError`."""
        with self._lock:
            self.closed = True
            self._closing.set()
            delivery, self._made = self._made, None
        if delivery is not None:
            delivery.end()
        self.cache.clear()

    def pause(self, seconds: float) -> None:
        """Wait, as between two attempts; `close()` ends the wait with a `ConfigError`."""
        until = time.monotonic() + seconds
        while not self._closing.is_set() and (left := until - time.monotonic()) > 0:
            wait_once(self._closing.wait, left)
        self.check_open()

    def check_open(self) -> None:
        """Raise `ConfigError` if the session was closed."""
        if self.closed:
            raise ConfigError(
                f"this session is closed: make a new one for {self.host}", code="session-closed"
            )

    def __enter__(self) -> Self:
        self.check_open()
        current_session.enter(self)
        return self

    def __exit__(self, *exc: object) -> None:
        current_session.leave(self)

    def __repr__(self) -> str:
        if not hasattr(self, "settings"):  # a debugger may show it when `__init__` was refused
            return "<Session without settings>"
        tenant = f" tenant={self.settings.tenant}" if self.settings.tenant else ""
        user = f" user={brief(str(self._account))}" if self._account else ""
        return f"<Session {self.host}{tenant}{user}{' closed' if self.closed else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (type(self), {**self.settings.public(), "dialect": self.dialect})

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def _renew(self) -> None:
        """Start without sockets and with free locks, in a new session and in a forked child."""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.cache: RelationCache = RelationCache(self.settings.cache)
        self._own: dict[tuple[str, Any], float] = {}
        self._made = None

    def _delivery(self) -> Delivery:
        made = self._made
        if made is not None:
            return made
        from synapse.session.delivery import Delivery
        from synapse.session.transport import Transport

        with self._lock:
            self.check_open()
            if self._made is None:
                headers = self.dialect.headers(self.settings.credentials)
                transport = Transport(
                    self.settings,
                    headers=headers,
                    masker=self._masker,
                    traces=self._traces,
                    http=self._http,
                )
                self._made = Delivery(
                    self.settings,
                    dialect=self.dialect,
                    transport=transport,
                    masker=self._masker,
                    pause=self.pause,
                    check_open=self.check_open,
                )
            return self._made


def current() -> Session:
    """Return the session of the innermost `with` block of this thread or task, else the default of all.

    Without either, a default is made from the environment or the profile file; if they have no host or token, the
    `ConfigError` says what to do. If the innermost block belongs to a generator that waits, and the calling code is not
    in that block, this raises `QueryError`.
    """
    return current_if_any() or _make_default()


def current_if_any() -> Session | None:
    """Return the session that `current()` would return, or None if it would have to make one."""
    found: Session | None = current_session.innermost() or shared.default
    return found


def set_default(session: Session | None) -> Session | None:
    """Make *session* the default of the process, and return the one it replaces."""
    previous: Session | None
    with shared.lock:
        previous, shared.default = shared.default, session
    return previous


def set_factory(factory: Callable[[], Session] | None) -> None:
    """Set the call that makes the default session from the environment, such as a subclass of `Session`."""
    shared.factory = factory


def _make_default() -> Session:
    try:
        made: Session = shared.default or (shared.factory or Session)()
    except ConfigError as error:
        raise ConfigError(
            f"there is no session: use synapse.connect(…) or `with synapse.Session(…):` ({error})",
            code="no-session",
        ) from None
    # The lock is not held while a session is made, since making one may ask for the current one. Two threads may make
    # one each: both get the one that was stored first.
    with shared.lock:
        if shared.default is None:
            shared.default = made
        first: Session = shared.default
    return first


def _checked(dialect: object, settings: Settings) -> Dialect:
    if dialect is None:
        return speaking(settings.api)
    if isinstance(dialect, type) or not isinstance(dialect, Dialect):
        raise ConfigError(
            f"dialect must be a dialect object, such as synapse.dialects.DEFAULT, not {describe(dialect)}"
        )
    return dialect


def _load(cls: type[Session], arguments: dict[str, Any]) -> Session:
    return cls(**arguments)


_alive: Final[weakref.WeakSet[Session]] = weakref.WeakSet()


def _after_fork() -> None:
    current_session.renew()
    process.renew_collector()
    for session in list(_alive):
        session._renew()
        if session._http is not None:
            from synapse.session.http import leave_connections

            leave_connections(session._http)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
