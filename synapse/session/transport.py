"""One HTTP attempt: what is sent, and what comes back."""

from __future__ import annotations

import json
import logging
import sys
import time

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import attrs
import requests

from synapse.dialects.wire import Body
from synapse.errors import TransferError
from synapse.masking import Masker
from synapse.session.config import MIB, Settings
from synapse.session.connections import BLOCK, LogMask, lift_deadline
from synapse.session.http import Attempt, raw_of, sender_for
from synapse.session.interrupts import detach, reraise_from_signal, strip_frames
from synapse.session.network_errors import ERRORS, Failure, anonymous, failure_of
from synapse.session.network_settings import NetworkSettings, secrets_of
from synapse.session.origin import start_of
from synapse.session.replies import RawResponse, describe
from synapse.session.response_body import ResponseBody
from synapse.session.trace import Call, Trace


class BodyReader:
    """Reads a body in blocks, never past its length, and keeps what went wrong in `error`.

    It can be rewound, for an auth of the user's that is asked who it is once the body was sent; `len` is what requests
    takes for its length.
    """

    def __init__(self, body: Body, *, label: str) -> None:
        self._body, self._label = body, label
        self.len = body.length
        self.error: Exception | None = None
        self._begin()

    def _begin(self) -> None:
        try:
            self._source = self._body.open()
        except OSError as error:
            raise TransferError(f"{self._label}: the body cannot be opened ({error.strerror})") from error
        self._left = self.len

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def tell(self) -> int:
        """Return how much was read."""
        return self.len - self._left

    def seek(self, place: int) -> int:
        """Begin anew."""
        if place:
            raise OSError("a body can be sent from its start only")
        self.close()
        self._begin()
        return place

    def read(self, size: int = BLOCK) -> bytes:
        """Return the next block, empty at the end."""
        if not self._left:
            return b""
        try:
            block: bytes = self._source.read(min(size, self._left))
            if not block:
                raise TransferError(
                    f"{self._label}: the body ended {self._left} bytes early; was its file changed?"
                )
        except OSError as error:
            self.error = TransferError(f"{self._label}: the body cannot be read ({error.strerror})")
            raise self.error from error
        except Exception as error:
            self.error = error
            raise
        self._left -= len(block)
        return block

    def close(self) -> None:
        """Close the source, if it can be closed."""
        close: Callable[[], object] | None = getattr(self._source, "close", None)
        if close is not None:
            close()


REFUSAL: Final = 4 * 1024 * 1024
"""The most bytes that are read of a refusal."""

logger: Final = logging.getLogger("synapse")


class Transport:
    """The sockets of one session in one process; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        headers: Mapping[str, str],
        masker: Masker,
        traces: list[Trace],
        http: requests.Session | None = None,
    ) -> None:
        self._settings = settings
        self._masker = masker
        self._traces = traces
        self._sender = sender_for(settings, http=http, masker=masker)
        self._environment: dict[str, NetworkSettings] = {}
        self.plain = {"User-Agent": _user_agent(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        language = {"Accept-Language": settings.language} if settings.language else {}
        self.unsigned = {**self.plain, **language}
        self.signed = {**self.unsigned, **headers}

    def close(self) -> None:
        """Free the sockets."""
        self._sender.close()

    def exchange(self, attempt: Attempt, *, waited: float = 0.0) -> RawResponse | Failure:
        """Send once, and read the whole body, unless the attempt is streamed and succeeds.

        *waited* is how many seconds the throttle held it back.
        """
        started = time.perf_counter()
        outcome = self._exchange(attempt)
        if self._traces or logger.isEnabledFor(logging.DEBUG):
            received = 0 if isinstance(outcome, Failure) else len(outcome.content)
            if isinstance(outcome, Failure) or outcome.stream is None:
                self.note(attempt, outcome, started=started, received=received, waited=waited)
            else:
                outcome = attrs.evolve(outcome, waited=waited)
        return outcome

    def note(
        self,
        attempt: Attempt,
        outcome: RawResponse | Failure,
        *,
        started: float,
        received: int,
        waited: float = 0.0,
    ) -> None:
        """Note one call in the open traces and in the log."""
        call = Call(
            attempt.method,
            self._masker.url(attempt.shown),
            outcome.status,
            1000 * (time.perf_counter() - started),
            sent=attempt.body.length if attempt.body else len(attempt.payload or b""),
            received=received,
            body=self._masker.body(json.loads(attempt.payload)) if attempt.payload else None,
            path=attempt.path,
            error=outcome.reason if isinstance(outcome, Failure) else None,
            waited=1000 * waited,
        )
        logger.debug("%s", call)
        for trace in list(self._traces):
            trace.record(call)

    def _exchange(self, attempt: Attempt) -> RawResponse | Failure:
        reader = BodyReader(attempt.body, label=attempt.label) if attempt.body else None
        before = sys.exception()
        try:
            outcome = self._send(attempt, reader, before)
            if isinstance(outcome, Failure) and reader is not None and reader.error is not None:
                raise reader.error
        except BaseException as error:
            strip_frames(error, before, keep=BodyReader.read.__code__)
            raise
        finally:
            if reader is not None:
                reader.close()
        return outcome

    def _send(
        self, attempt: Attempt, reader: BodyReader | None, before: BaseException | None
    ) -> RawResponse | Failure:
        body = attempt.payload if reader is None else reader
        network = None
        try:
            network = self._network_settings(attempt.url)
            with LogMask(self._masker, attempt.query):
                raw = raw_of(self._sender.send(attempt, body, network=network))
        except ERRORS as error:
            detach(error, before)
            reraise_from_signal(error)
            proxy = network.proxy if network else None
            return failure_of(error, connect=attempt.connect_limit, read=attempt.read_limit, proxy=proxy)
        if raw.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and network.proxy:
            raw.close()
            return anonymous(network.proxy)
        if attempt.streamed and 200 <= raw.status < 300:
            lift_deadline(raw)
            return RawResponse(raw.status, raw.headers, stream=ResponseBody(raw))
        return self._receive(attempt, raw, before)

    def _receive(self, attempt: Attempt, raw: Any, before: BaseException | None) -> RawResponse | Failure:
        body, refused = ResponseBody(raw), raw.status >= 300
        most = min(self._settings.max_answer, REFUSAL) if refused else self._settings.max_answer
        try:
            content = body.read_all(most)
        except ERRORS as error:
            raw.close()
            detach(error, before)
            reraise_from_signal(error)
            answer = RawResponse(raw.status, raw.headers, body.held)
            if refused:  # the status is enough, even if the words are cut off
                return answer
            failure = failure_of(
                error, connect=attempt.connect_limit, read=attempt.read_limit, status=raw.status
            )
            words = describe(answer, masker=self._masker)
            return attrs.evolve(failure, reason=f"{failure.reason} after {raw.status} ({words})")
        if content is None:
            raw.close()
            return (
                RawResponse(raw.status, raw.headers, body.held) if refused else _too_large(raw.status, most)
            )
        if not content and attempt.method != "HEAD" and _is_bare(raw):
            return Failure("the answer broke off within its headers", True, True, status=raw.status)
        return RawResponse(raw.status, raw.headers, content)

    def _network_settings(self, url: str) -> NetworkSettings:
        """Find the proxy and the certificates for an origin, once."""
        origin = start_of(url)
        found = self._environment.get(origin)
        if found is None:
            found = self._sender.network_settings(url)
            # The environment may have changed since the session was made, and with it the passwords to mask.
            self._masker.learn(secrets_of(found.proxies))
            self._environment[origin] = found
        return found


def _too_large(status: int, most: int) -> Failure:
    size = f"{most:,} bytes" if most % MIB else f"{most // MIB:,} MiB"
    reason = (
        f"the answer is larger than {size}, the most that this session reads into memory (see max_answer=…)"
    )
    return Failure(reason, True, False, status=status, too_large=True)


def _is_bare(raw: Any) -> bool:
    """Whether a success has nothing that says where its body ends, as when it was cut within its headers."""
    chunked = "chunked" in raw.headers.get("Transfer-Encoding", "").lower()
    original = getattr(raw, "_original_response", None)
    return (
        isinstance(original, HTTPResponse)  # a canned answer of a test has what its test says
        and not chunked
        and not raw.headers.get("Content-Length")
        and raw.status < 300
        and raw.status not in (204, 205)
    )


def _user_agent() -> str:
    try:
        return f"synapse-orm/{version('synapse-orm')}"
    except PackageNotFoundError:
        return "synapse-orm"
