"""Exceptions that pass through the HTTP stack: those of signal handlers, and the frames that must not be shown."""

from __future__ import annotations

import inspect

from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType


def reraise_from_signal(error: BaseException) -> None:
    """Raise the exception of a signal handler that interrupted a request, even if the HTTP stack has wrapped it.

    A time limit is often a handler that raises `TimeoutError`. Sockets raise that as well, and the request would be
    repeated instead of interrupted.
    """
    found = [each for each in _chain(error) if is_from_signal(each)]
    if found:
        # What wraps it has the frame of the handler in its own traceback too: the innermost is the one that was raised.
        raise min(found, key=lambda each: sum(1 for _ in _chain(each)))


def is_from_signal(error: BaseException) -> bool:
    """Whether a signal handler, or something that it called, raised this error."""
    return _from(error.__traceback__, None) is not None


def detach(error: BaseException, before: BaseException | None) -> None:
    """Remove *before* from the contexts of an error: it was being handled when the request began, and is no cause."""
    for each in list(_chain(error)) if before is not None else ():
        if each.__context__ is before:
            each.__context__ = None


def strip_frames(error: BaseException, before: BaseException | None, *, keep: CodeType | None = None) -> None:
    """Remove the frames of the HTTP stack from an error, and the errors that it was raised from.

    Their variables hold headers and addresses, which debuggers and error trackers would show. Frames from a signal
    handler on stay, and so do those from *keep* on.
    """
    each: BaseException | None = error
    while each is not None and each is not before:
        each.__traceback__ = _from(each.__traceback__, keep)
        each.__context__, each = None, each.__cause__
    error.__context__ = before if error is not before else None


def _from(trace: TracebackType | None, keep: CodeType | None) -> TracebackType | None:
    while trace is not None and not (trace.tb_frame.f_code is keep or _interrupts(trace.tb_frame)):
        trace = trace.tb_next
    return trace


def _interrupts(frame: FrameType) -> bool:
    """Whether a frame is that of a signal handler: only those get the frame below them as an argument."""
    code, below = frame.f_code, frame.f_back
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
    given = [frame.f_locals.get(name) for name in code.co_varnames[:count]] if below else []
    return any(part is below for each in given for part in (each if type(each) is tuple else (each,)))


def _chain(error: BaseException) -> Iterator[BaseException]:
    known: set[int] = set()
    left: list[object] = [error]
    while left:
        each = left.pop()
        if isinstance(each, BaseException) and id(each) not in known:
            known.add(id(each))
            yield each
            left += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
