"""A kit for testing code that uses the SDK: canned replies, and a count of requests.

For a real backend offline, use the pytest fixture `synapse_sandbox` or `synapse.sandbox.serve()`.
"""

from __future__ import annotations

import json

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from synapse.dialects import Reply, Request
from synapse.mapping import UNSET
from synapse.session import Call, Session, Trace, current

Answer: TypeAlias = "Reply | Exception | dict[str, Any] | list[Any] | Callable[[Request], Any] | None"
"""What a canned request gets: JSON, a `Reply`, an exception to raise, or a function of the request."""

HOST = "https://canned.invalid"


class CannedSession(Session):
    """A session that never touches the network: each request gets the reply that was put down for it.

    `replies` maps `"METHOD path"` or `"METHOD path?query"` to an `Answer`; the query may be left out. A request that
    nothing was put down for raises `AssertionError`. `requests` holds what was asked, in order.
    """

    def __init__(self, replies: Mapping[str, Answer], **settings: Any) -> None:
        super().__init__(HOST, api_token="canned", **settings)
        self.replies = dict(replies)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Reply:
        """Give the reply that was put down for this request."""
        self.check_open()
        self.requests.append(request)
        for key in (f"{request.method} {request.target}", f"{request.method} {request.path}"):
            if key in self.replies:
                return self._answer(self.replies[key], request)
        known = "\n  ".join(self.replies) or "nothing"
        raise AssertionError(
            f"no reply was put down for {request.method} {request.target}; there is:\n  {known}"
        )

    def _answer(self, answer: Answer, request: Request) -> Reply:
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            self._record(request, getattr(answer, "status_code", None) or type(answer).__name__)
            raise answer
        # A copy, so that no test sees what another one did to its rows.
        reply = answer if isinstance(answer, Reply) else Reply(200, json.loads(json.dumps(answer)))
        self._record(request, reply.status)
        return reply

    def _record(self, request: Request, outcome: int | str) -> None:
        call = Call(
            request.method,
            f"{self.host}/{request.target}",
            status=outcome if isinstance(outcome, int) else None,
            ms=0.0,
            body=None if request.json is UNSET else request.json,
            path=f"/{request.path}",
            error=outcome if isinstance(outcome, str) else None,
        )
        for trace in self._traces:
            trace.record(call)


def canned(replies: Mapping[str, Answer], **settings: Any) -> CannedSession:
    """Make a session that answers from *replies*.

    >>> session = canned({"GET tasks/5/": {"id": 5, "project": 1, "data_unit": 9}})
    >>> Task.objects.using(session).get(5).project_id
    1
    """
    return CannedSession(replies, **settings)


def page(*rows: Mapping[str, Any], count: int | None = None, next: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Wrap rows the way the backend's lists come.

    >>> page({"id": 1})
    {'count': 1, 'next': None, 'previous': None, 'results': [{'id': 1}]}
    """
    return {
        "count": len(rows) if count is None else count,
        "next": next,
        "previous": None,
        "results": list(rows),
    }


@contextmanager
def assert_requests(expected: int, *, session: Session | None = None) -> Iterator[Trace]:
    """Fail unless exactly so many HTTP requests are made inside the block; the failure lists them."""
    with (session or current()).trace() as calls:
        yield calls
    if len(calls) != expected:
        raise AssertionError(f"expected {expected} requests, saw {len(calls)}:\n{calls}")


__all__ = ["HOST", "Answer", "CannedSession", "assert_requests", "canned", "page"]
