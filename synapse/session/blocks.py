"""The open blocks `with session:`, and whether the code that asks for the current session stands in the latest of them.

A generator that waits leaves its block open, and what runs meanwhile finds its session current. `@contextmanager` and
fixtures do so on purpose: their blocks count as those of whoever enters them.
"""

from __future__ import annotations

import inspect
import sys
import threading
import weakref

from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import attrs

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
