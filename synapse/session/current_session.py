"""Which session is meant when none is named: that of the innermost `with session:` block, else the default."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import ConfigError, QueryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from synapse.session.session import Session


_GENERATORS: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_HANDING_ON: Final = frozenset(
    {"__enter__", "__exit__", "__aenter__", "__aexit__", "enter_context", "enter_async_context"}
)
# Fixtures and hooks of pytest are generators that stand around the code of others.
_SURROUNDING: Final = ("_pytest.", "pluggy.", "pytest_asyncio.", "anyio.")


@attrs.frozen(eq=False)
class Block:
    """One block; `lent` if a generator stands in it. Its frame is kept only there, and inside of such a block.

    One that is `astray` stands for code which stood in another block when it handed its context to a thread.
    """

    session: Session
    frame: FrameType | None = None
    lent: bool = False
    astray: bool = False
    thread: int = 0
    task: Callable[[], Any] | None = None

    def is_here(self) -> bool:
        """Whether this thread and task entered it, and have not got it as a copy of another's context."""
        task = None if self.task is None else self.task()
        return self.thread == threading.get_ident() and task is _task()


def opened(session: Session, *, around: tuple[Block, ...]) -> Block:
    """Note a block that is being entered."""
    frame = holder()
    lent = _is_generator(frame) and not _surrounds(frame)
    if not lent and not any(block.lent for block in around):
        return Block(session)
    task = _task()
    return Block(
        session, frame, lent, thread=threading.get_ident(), task=None if task is None else weakref.ref(task)
    )


def holder() -> FrameType:
    """Find the frame whose block is entered or left, which may be done by a context manager for it."""
    frame = sys._getframe(1)
    while (back := frame.f_back) is not None and (
        frame.f_globals.get("__name__", "").startswith("synapse.session.")
        or frame.f_code.co_name in _HANDING_ON
        or (_is_generator(frame) and back.f_code.co_name in _HANDING_ON)
    ):
        frame = back
    return frame


def is_astray(blocks: tuple[Block, ...], *, default: Session | None) -> bool:
    """Whether the calling code stands in another block than the latest, or runs while a generator waits in that."""
    last = blocks[-1]
    if last.frame is None:
        return last.astray
    held = {block.frame: block.session for block in blocks if block.frame}
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame not in held:
        frame = frame.f_back
    if frame is not None:
        return frame is not last.frame and held[frame] is not last.session
    instead = next((block.session for block in reversed(blocks) if not block.lent), default)
    return last.lent and instead not in (None, last.session) and last.is_here()


def _is_generator(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & _GENERATORS)


def _surrounds(frame: FrameType) -> bool:
    """Whether a generator is run by what lets it stand around the code of others."""
    while _is_generator(frame) and frame.f_back is not None:
        frame = frame.f_back
    return bool(frame.f_globals.get("__name__", "").startswith(_SURROUNDING))


def _task() -> Any:
    """Give the running task, where there are any."""
    asyncio = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.current_task()
    except RuntimeError:
        return None


_entered: Final[ContextVar[tuple[Block, ...]]] = ContextVar("synapse_session", default=())


class _Process:
    """What all threads share: the default session, and how to make one from the environment."""

    def __init__(self) -> None:
        self.default: Session | None = None
        self.factory: Callable[[], Session] | None = None
        self.lock = threading.Lock()


_process: Final = _Process()


def current() -> Session:
    """Return the session of the innermost `with` block of this thread or task, else the default of all.

    Code that runs while a generator waits in such a block of its own gets a `QueryError` instead.

    With neither, a default is made from the environment or the profile file; where they lack a host or
    token, the `ConfigError` says what to do.
    """
    return _innermost() or _process.default or _make_default()


def current_if_any() -> Session | None:
    """Return the session that `current()` would, or None where it would have to make one."""
    return _innermost() or _process.default


def context_without_session() -> Callable[[], object] | None:
    """Where the calling code has no current session, give what says so in a context that is handed to a thread."""
    entered = _entered.get()
    if not entered or not is_astray(entered, default=_process.default):
        return None
    barred = (*entered, Block(entered[-1].session, astray=True))
    return partial(_entered.set, barred)


def _innermost() -> Session | None:
    """Give the session of the innermost block, unless it is only a generator that waits which stands in that."""
    entered = _entered.get()
    if not entered:
        return None
    session = entered[-1].session
    if is_astray(entered, default=_process.default):
        raise QueryError(
            f"this would go to {session.host}, in whose block `with session:` a generator waits, and this code does "
            "not stand in that block; say where it is to go by .using(session), or begin at the session: "
            "session.tasks. Nothing was sent"
        )
    return session


def set_default(session: Session | None) -> Session | None:
    """Make *session* the default of the process, and return the one it replaces."""
    with _process.lock:
        previous, _process.default = _process.default, session
    return previous


def set_factory(factory: Callable[[], Session] | None) -> None:
    """Say which call makes the default session out of the environment (a subclass of `Session`, say)."""
    _process.factory = factory


def enter(session: Session) -> None:
    """Make *session* current in this thread or task."""
    entered = _entered.get()
    _entered.set((*entered, opened(session, around=entered)))


def leave(session: Session) -> None:
    """Undo the latest `enter()` of *session*."""
    own = [block for block in _entered.get() if block.session is session]
    if own:
        frame = holder() if any(block.frame for block in own) else None
        # A block that was left by other means than it was entered, as by `ExitStack.close()`, is the latest.
        left = next((block for block in reversed(own) if block.frame is frame), own[-1])
        _entered.set(tuple(block for block in _entered.get() if block is not left))


def renew() -> None:
    """Free the lock in a forked child, where the thread that held it does not exist."""
    _process.lock = threading.Lock()


def _make_default() -> Session:
    from synapse.session.session import Session

    made = _process.default
    if made is None:
        try:
            made = (_process.factory or Session)()
        except ConfigError as error:
            raise ConfigError(
                f"there is no session: use synapse.connect(…) or `with synapse.Session(…):` ({error})"
            ) from None
    # What makes one may itself ask for the current one; of two threads that come first, both get the same.
    with _process.lock:
        if _process.default is None:
            _process.default = made
        return _process.default
