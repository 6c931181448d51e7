"""The open blocks `with session:` of a thread or task, and whether the calling code stands in the innermost one."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from types import FrameType
from typing import Any, Final

import attrs

from synapse.errors import QueryError

_GENERATORS: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_HANDING_ON: Final = frozenset(
    {"__enter__", "__exit__", "__aenter__", "__aexit__", "enter_context", "enter_async_context"}
)
# pytest runs fixtures and hooks as generators around the code of tests.
_SURROUNDING: Final = ("_pytest.", "pluggy.", "pytest_asyncio.", "anyio.")


@attrs.frozen(eq=False, repr=False)
class Block:
    """One open `with session:`; `lent` if a generator holds it open. Only such blocks and those inside keep a frame.

    `astray` marks the context of a thread that was started by code outside of the innermost block.
    """

    session: Any
    frame: FrameType | None = None
    lent: bool = False
    astray: bool = False
    thread: int = 0
    task: Callable[[], Any] | None = None

    def is_here(self) -> bool:
        """Whether this thread and task entered it, rather than inherit it with a copied context."""
        task = None if self.task is None else self.task()
        return self.thread == threading.get_ident() and task is _task()


def opened(session: Any, *, around: tuple[Block, ...]) -> Block:
    """Make the block of a `with session:` that is being entered."""
    frame = holder()
    lent = _is_generator(frame) and not _surrounds(frame)
    if not lent and not any(block.lent for block in around):
        return Block(session)
    task = _task()
    return Block(
        session, frame, lent, thread=threading.get_ident(), task=None if task is None else weakref.ref(task)
    )


def holder() -> FrameType:
    """Find the frame that the block belongs to: a context manager may enter it for its caller."""
    frame = sys._getframe(1)
    while (back := frame.f_back) is not None and (
        frame.f_globals.get("__name__", "").startswith("synapse.session.")
        or frame.f_code.co_name in _HANDING_ON
        or (_is_generator(frame) and back.f_code.co_name in _HANDING_ON)
    ):
        frame = back
    return frame


def is_astray(blocks: tuple[Block, ...], *, default: Any) -> bool:
    """Whether the caller is outside of the innermost block, which a waiting generator holds open."""
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
    """Whether a generator is a fixture or a hook, whose block is meant for the code that it surrounds."""
    while _is_generator(frame) and frame.f_back is not None:
        frame = frame.f_back
    return bool(frame.f_globals.get("__name__", "").startswith(_SURROUNDING))


def _task() -> Any:
    """Return the running asyncio task, if there is one."""
    asyncio = sys.modules.get("asyncio")
    try:
        return None if asyncio is None else asyncio.current_task()
    except RuntimeError:
        return None


_entered: Final[ContextVar[tuple[Block, ...]]] = ContextVar("synapse_session", default=())


class _Shared:
    """What all threads share: the default session, and how to make it from the environment."""

    def __init__(self) -> None:
        self.default: Any = None
        self.factory: Callable[[], Any] | None = None
        self.lock = threading.Lock()


shared: Final = _Shared()


def context_without_session() -> Callable[[], object] | None:
    """Return what marks a context for a thread, if the calling code has no current session; else None."""
    entered = _entered.get()
    if not entered or not is_astray(entered, default=shared.default):
        return None
    barred = (*entered, Block(entered[-1].session, astray=True))
    return partial(_entered.set, barred)


def innermost() -> Any:
    """Return the session of the innermost block; raise if the caller is not in it."""
    entered = _entered.get()
    if not entered:
        return None
    session = entered[-1].session
    if is_astray(entered, default=shared.default):
        raise QueryError(
            f"this would go to {session.host}, in whose block `with session:` a generator waits, and this code does "
            "not stand in that block; say where it is to go by .using(session), or begin at the session: "
            "session.tasks. Nothing was sent"
        )
    return session


def enter(session: Any) -> None:
    """Make *session* current in this thread or task."""
    entered = _entered.get()
    _entered.set((*entered, opened(session, around=entered)))


def leave(session: Any) -> None:
    """Undo the latest `enter()` of *session*."""
    own = [block for block in _entered.get() if block.session is session]
    if own:
        frame = holder() if any(block.frame for block in own) else None
        # Without a block of this frame, as when `ExitStack.close()` is called elsewhere, the latest one ends.
        left = next((block for block in reversed(own) if block.frame is frame), own[-1])
        _entered.set(tuple(block for block in _entered.get() if block is not left))


def renew() -> None:
    """Free the lock in a forked child, where the thread that held it does not exist."""
    shared.lock = threading.Lock()
