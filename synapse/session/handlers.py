"""Exceptions that pass through the HTTP stack: those of a signal's handler, and what all of them leave behind."""

from __future__ import annotations

import signal
import threading

from collections.abc import Iterator
from types import CodeType, TracebackType
from typing import Any


def let_through(error: BaseException) -> None:
    """Raise what a handler raised while a request was under way, whatever it was wrapped in since.

    A limit on a piece of work is often a handler that raises `TimeoutError`, which a socket raises as well: taken for
    that one, it would have the request repeated.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    codes = _handlers()
    found = [each for each in _chain(error) if codes.intersection(_codes(each))] if codes else []
    if found:
        # What wraps it was given its traceback as well.
        raise min(found, key=lambda each: sum(1 for _ in _chain(each)))


def part(error: BaseException, before: BaseException | None) -> None:
    """Part an error from *before*, which was being handled as the request began and is no cause of it."""
    for each in list(_chain(error)) if before is not None else ():
        if each.__context__ is before:
            each.__context__ = None


def bare(error: BaseException, before: BaseException | None, *, keep: CodeType | None = None) -> None:
    """Take from an error the frames of the HTTP stack, and what it was wrapped in.

    They hold headers and addresses, for whatever lists variables. The frames from a handler of a signal on stay, or
    from *keep*.
    """
    codes = _handlers() if threading.current_thread() is threading.main_thread() else set()
    each: BaseException | None = error
    while each is not None and each is not before:
        each.__traceback__ = _from(each.__traceback__, {*codes, keep})
        each.__context__, each = None, each.__cause__
    error.__context__ = before if error is not before else None


def _from(trace: TracebackType | None, codes: set[CodeType | None]) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code not in codes:
        trace = trace.tb_next
    return trace


def _handlers() -> set[CodeType | None]:
    return {code for number in signal.valid_signals() if (code := _code(signal.getsignal(number)))}


def _code(handler: Any) -> CodeType | None:
    code = getattr(handler, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _codes(error: BaseException) -> Iterator[CodeType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code
        trace = trace.tb_next


def _chain(error: BaseException) -> Iterator[BaseException]:
    known: set[int] = set()
    left: list[object] = [error]
    while left:
        each = left.pop()
        if isinstance(each, BaseException) and id(each) not in known:
            known.add(id(each))
            yield each
            left += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
