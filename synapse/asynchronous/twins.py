"""The decorator of methods that send: it gives each its twin, and keeps coroutines from calling it by mistake."""

from __future__ import annotations

import functools

from collections.abc import Callable
from typing import Any, TypeVar, overload

from synapse.session.process import blocking, is_in_coroutine, starting

F = TypeVar("F", bound=Callable[..., Any])


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
