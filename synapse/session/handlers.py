"""Exceptions that come from the handler of a signal, and not from the line."""

from __future__ import annotations

import signal
import threading

from collections.abc import Iterator
from types import CodeType
from typing import Any


def let_through(error: BaseException) -> None:
    """Raise what a handler raised while a request was under way, whatever it was wrapped in since.

    A limit on a piece of work is often a handler that raises `TimeoutError`, which a socket raises as well: taken for
    that one, it would have the request repeated.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    codes = {code for number in signal.valid_signals() if (code := _code(signal.getsignal(number)))}
    found = [each for each in _chain(error) if codes.intersection(_codes(each))] if codes else []
    if found:
        # What wraps it was given its traceback as well.
        raise min(found, key=lambda each: sum(1 for _ in _chain(each)))


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
