"""Exceptions that pass through the HTTP stack: those of a signal's handler, and what all of them leave behind."""

from __future__ import annotations

import inspect

from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType


def reraise_from_signal(error: BaseException) -> None:
    """Raise what a handler raised while a request was under way, whatever it was wrapped in since.

    A limit on a piece of work is often a handler that raises `TimeoutError`, which a socket raises as well: taken for
    that one, it would have the request repeated.
    """
    found = [each for each in _chain(error) if is_from_signal(each)]
    if found:
        # What wraps it was given its traceback as well.
        raise min(found, key=lambda each: sum(1 for _ in _chain(each)))


def is_from_signal(error: BaseException) -> bool:
    """Whether the handler of a signal raised an error, or something that it called did."""
    return _from(error.__traceback__, None) is not None


def detach(error: BaseException, before: BaseException | None) -> None:
    """Part an error from *before*, which was being handled as the request began and is no cause of it."""
    for each in list(_chain(error)) if before is not None else ():
        if each.__context__ is before:
            each.__context__ = None


def strip_frames(error: BaseException, before: BaseException | None, *, keep: CodeType | None = None) -> None:
    """Take from an error the frames of the HTTP stack, and what it was wrapped in.

    They hold headers and addresses, for whatever lists variables. The frames from a handler of a signal on stay, or
    from *keep*.
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
    """Whether a frame is that of a handler, whatever was made one: it was given the frame below it, as no other is."""
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
