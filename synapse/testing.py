"""A kit for testing code that uses the SDK: canned replies, and a count of requests.

For a real backend offline, use the pytest fixture `synapse_sandbox` or `synapse.sandbox.serve()`.
"""

from __future__ import annotations

import io
import json

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import attrs

from synapse.dialects import Reply, Request
from synapse.dialects.wire import Body
from synapse.errors import NotFoundError
from synapse.mapping import UNSET
from synapse.session import Call, Session, Trace, current
from synapse.session.decoding import Decode
from synapse.session.replies import RawResponse
from synapse.session.streams import Download

Answer: TypeAlias = (
    "Reply | Exception | dict[str, Any] | list[Any] | str | bytes | Callable[[Request], Any] | None"
)
"""What a canned request gets: JSON, a `Reply`, an exception to raise, or a function of the request.

An event stream is a list of its lines, or its text; a file that is downloaded is its bytes.
"""

HOST = "https://canned.invalid"


class CannedSession(Session):
    """A session that never touches the network: each request gets the reply that was put down for it.

    `replies` maps `"METHOD path"` or `"METHOD path?query"` to an `Answer`; the query may be left out. A request that
    nothing was put down for raises `AssertionError`. `requests` holds what was asked, as it came: pages that are
    read side by side come in any order, with `workers=1` in theirs. Files that are downloaded are found by their whole
    address: `"GET https://…/a.png"`.
    """

    def __init__(self, replies: Mapping[str, Answer], **settings: Any) -> None:
        super().__init__(HOST, api_token="canned", **{"state_dir": False, "api": "auto", **settings})
        self.replies = dict(replies)
        self.requests: list[Request] = []

    def send(self, request: Request, *, decode: Decode | None = None) -> Reply:
        """Give the reply that was put down for this request, its data read by *decode* where that is given."""
        self.check_open()
        bare = request.path.partition("?")[0]
        keys = [f"{request.method} {each}" for each in (request.target, request.path, bare)]
        if request.optional and not any(key in self.replies for key in keys):
            raise NotFoundError(f"{request.method} {request.shown}: no reply was put down")
        self.requests.append(request)
        for key in keys:
            if key in self.replies:
                return self._decoded(self._answer(self.replies[key], request), decode)
        known = "\n  ".join(map(self._masker.url, self.replies)) or "nothing"
        raise AssertionError(
            f"no reply was put down for {request.method} {self._masker.url(request.target)}; there is:\n  {known}"
        )

    @contextmanager
    def lines(self, request: Request) -> Iterator[Iterator[str]]:
        """Give the lines that were put down for this request."""
        data = self.send(request).data
        if isinstance(data, str):
            data = data.splitlines()
        if not isinstance(data, list):
            raise AssertionError(f"{request.method} {request.shown}: a stream is a list of lines, or text")
        yield iter([str(line) for line in data])

    @contextmanager
    def download(
        self, url: str, *, start: int = 0, headers: Iterable[tuple[str, str]] = ()
    ) -> Iterator[Download]:
        """Give the bytes that were put down for this address, from byte *start* on."""
        request = Request("GET", url, headers=tuple(headers))
        data = self.send(request).data
        content = data.encode() if isinstance(data, str) else data
        if not isinstance(content, bytes):
            raise AssertionError(f"GET {request.shown}: a file is its bytes, or text")
        yield Download(_Content(content, start=start))

    def put(self, url: str, body: Body, *, read_timeout: float, again: bool = False) -> RawResponse:
        """Give the status and the headers that were put down for this signed address."""
        reply = self.send(Request("PUT", url, body=body, read_timeout=read_timeout))
        return RawResponse(reply.status, reply.headers)

    def _answer(self, answer: Answer, request: Request) -> Reply:
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            self._record(request, getattr(answer, "status_code", None) or type(answer).__name__)
            raise answer
        # A copy, so that no test sees what another one did to its rows.
        if isinstance(answer, bytes | str):
            answer = Reply(200, answer)
        reply = answer if isinstance(answer, Reply) else Reply(200, json.loads(json.dumps(answer)))
        self._record(request, reply.status)
        return reply

    def _decoded(self, reply: Reply, decode: Decode | None) -> Reply:
        if decode is None:
            return reply
        try:
            content = json.dumps(reply.data).encode()
        except TypeError:  # no JSON
            return reply
        return attrs.evolve(reply, data=decode(content))

    def _record(self, request: Request, outcome: int | str) -> None:
        url = request.target if "://" in request.path else f"{self.host}/{request.target}"
        call = Call(
            request.method,
            self._masker.url(url),
            status=outcome if isinstance(outcome, int) else None,
            ms=0.0,
            body=None if request.json is UNSET else self._masker.body(request.json),
            path=self._masker.url(url.removeprefix(self.host).partition("?")[0]),
            error=outcome if isinstance(outcome, str) else None,
        )
        for trace in self._traces:
            trace.record(call)


class _Content:
    """The body of a canned download."""

    def __init__(self, content: bytes, *, start: int) -> None:
        place = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        sizes = {"Content-Length": str(len(content) - start), **place}
        self.answer = RawResponse(206 if start else 200, sizes)
        self._rest = io.BytesIO(content[start:])

    def read(self, *, size: int, whole: bool) -> bytes:
        return self._rest.read(size)


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
