"""The decorator of methods that send: it gives each its twin, and keeps coroutines from calling it by mistake."""

from __future__ import annotations

import functools
import os
import sys

from collections.abc import Callable
from contextvars import ContextVar
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE
from typing import Any, Final, TypeVar, overload

from synapse.errors import SynchronousOnlyError

F = TypeVar("F", bound=Callable[..., Any])

UNSAFE: Final = "SYNAPSE_ALLOW_ASYNC_UNSAFE"
_COROUTINES: Final = CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR
# A notebook runs its cells, its callbacks and its displays inside of coroutines of its own.
_NOTEBOOKS: Final = frozenset({"IPython", "ipykernel", "marimo", "_pyodide"})

starting: Final[ContextVar[bool]] = ContextVar("starting", default=False)
"""Set while a twin prepares what its worker thread will do."""


@overload
def sends(method: F, /) -> F: ...
@overload
def sends(*, twin: str = ..., streams: bool = ..., waits: bool = ...) -> Callable[[F], F]: ...
def sends(method: Any = None, /, *, twin: str = "", streams: bool = False, waits: bool = False) -> Any:
    """Declare a method that talks to the backend, and make its twin `a…`, or *twin*.

    The twin of one that *streams* gives an asynchronous iterator; one that *waits* for something else than an answer
    has a thread of its own.
    """
    if method is None:
        return lambda given: _Sending(given, twin, streams=streams, waits=waits)
    return _Sending(method)


class _Sending:
    """Stands in a class body for a method that sends, until the class is made."""

    def __init__(
        self, method: Callable[..., Any], twin: str = "", *, streams: bool = False, waits: bool = False
    ) -> None:
        self._method, self._twin, self._streams, self._waits = method, twin, streams, waits
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        twin = self._twin or f"a{name}"
        made = _streaming(name) if self._streams else _awaited(name, waits=self._waits)
        functools.update_wrapper(made, self._method)
        made.__name__, made.__qualname__ = twin, f"{owner.__qualname__}.{twin}"
        how = f"`async for` takes what `{name}()` gives" if self._streams else f"`await` it like `{name}()`"
        made.__doc__ = f"The asynchronous twin of `{name}()`: {how}, with the same arguments."
        made.twin_of = name  # type: ignore[attr-defined]
        setattr(owner, name, _guarded(self._method, name, twin, streams=self._streams))
        setattr(owner, twin, made)


def twin_of(value: object) -> str | None:
    """Name the method that something is the twin of, if it is one."""
    return getattr(value, "twin_of", None)


def twin_for(value: object) -> str | None:
    """Name the twin of a method that sends."""
    return getattr(value, "twin", None)


def _awaited(name: str, *, waits: bool) -> Callable[..., Any]:
    async def twin(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        from synapse.asynchronous.bridge import in_worker

        return await in_worker(functools.partial(getattr(self, name), *args, **kwargs), waits=waits)

    return twin


def _streaming(name: str) -> Callable[..., Any]:
    def twin(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        from synapse.asynchronous.bridge import AsyncRows

        before = starting.set(True)
        try:
            return AsyncRows(getattr(self, name)(*args, **kwargs))
        finally:
            starting.reset(before)

    return twin


def _guarded(method: Callable[..., Any], name: str, twin: str, *, streams: bool) -> Callable[..., Any]:
    @functools.wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_in_coroutine():
            instead = f"`async for … in {twin}(...)`" if streams else f"`await {twin}(...)`"
            raise blocking(f"{name}()", instead)
        return method(*args, **kwargs)

    guarded.twin = twin  # type: ignore[attr-defined]
    return guarded


# --- coroutines ---------------------------------------------------------------
def blocking(what: str, instead: str) -> SynchronousOnlyError:
    """Make the error of what would keep an event loop waiting."""
    return SynchronousOnlyError(
        f"{what} would block the event loop of this coroutine: {instead}. Nothing was sent; {UNSAFE}=1 allows it"
    )


def is_in_coroutine() -> bool:
    """Whether this code is called by a coroutine of the user's, which must not wait for an answer.

    Top-level code is no coroutine, and neither is a cell of a notebook, although an event loop runs it.
    """
    events: Any = sys.modules.get("asyncio.events")
    if events is None or events._get_running_loop() is None:
        return False
    return not (starting.get() or os.environ.get(UNSAFE, "") not in ("", "0")) and _stands_in_coroutine()


def _stands_in_coroutine() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        # IPython calls the code of a cell `<cell line: 1>`, others `<module>`; an `await` in it makes it a coroutine.
        if code.co_name == "<module>" or code.co_name.startswith("<cell"):
            return False
        if code.co_flags & _COROUTINES:
            return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOTEBOOKS
        frame = frame.f_back  # type: ignore[assignment]
    return False
