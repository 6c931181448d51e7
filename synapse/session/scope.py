"""Which session is meant when none is named."""

from __future__ import annotations

import threading

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from synapse.errors import ConfigError

if TYPE_CHECKING:
    from synapse.session.session import Session

_entered: Final[ContextVar[tuple[Session, ...]]] = ContextVar("synapse_session", default=())


class _Process:
    """What all threads share: the default session, and how to make one from the environment."""

    def __init__(self) -> None:
        self.default: Session | None = None
        self.factory: Callable[[], Session] | None = None
        self.lock = threading.Lock()


_process: Final = _Process()


def current() -> Session:
    """Return the session of the innermost `with` block of this thread or task, else the default of all.

    With neither, a default is made from the environment or the profile file; where they lack a host or
    token, the `ConfigError` says what to do.
    """
    entered = _entered.get()
    if entered:
        return entered[-1]
    return _process.default or _make_default()


def current_if_any() -> Session | None:
    """Return the session that `current()` would, or None where it would have to make one."""
    entered = _entered.get()
    return entered[-1] if entered else _process.default


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
    _entered.set((*_entered.get(), session))


def leave(session: Session) -> None:
    """Undo the latest `enter()` of *session*."""
    entered = list(_entered.get())
    for index in range(len(entered) - 1, -1, -1):
        if entered[index] is session:
            del entered[index]
            break
    _entered.set(tuple(entered))


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
