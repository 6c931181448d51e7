"""Which session is meant when none is named."""

from __future__ import annotations

import threading

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final

from synapse.errors import ConfigError, QueryError
from synapse.session.blocks import Block, holder, is_astray, opened

if TYPE_CHECKING:
    from synapse.session.session import Session

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


def bar_if_astray() -> Callable[[], object] | None:
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
