"""From a request to its reply: repeats where they are safe, redirects within the origin, typed errors."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
import weakref

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, NoReturn
from urllib.parse import urljoin, urlsplit

import attrs

from synapse.dialects import FIRST, Dialect, homes
from synapse.dialects.wire import IDEMPOTENT, Reply, Request, encode
from synapse.errors import (
    ClientError,
    MappingError,
    OriginError,
    TransferError,
    TransportError,
    UnsupportedError,
    WriteUnconfirmedError,
)
from synapse.mapping.codecs import check_json
from synapse.mapping.json import dumps
from synapse.mapping.unset import UNSET
from synapse.masking import Masker, Secret, conceal
from synapse.session.config import MIB, Settings
from synapse.session.decoding import Decode, is_crowded, most_values, parse
from synapse.session.http import Attempt
from synapse.session.network_errors import Failure
from synapse.session.origin import clean, host_of, start_of
from synapse.session.process import waiting
from synapse.session.rate import Pace
from synapse.session.replies import RawResponse, describe, error_of, text_of
from synapse.session.response_body import ResponseBody
from synapse.session.retry import BUSY, Effect, Rule, rule_of_failure
from synapse.session.throttle import Slot, StoppedError, Throttle, begin_write, check_cancelled
from synapse.session.transport import Transport
from synapse.values import plain

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_READS: Final = frozenset({"GET", "HEAD"})
_HOPS: Final = 5
# Escapes of NUL and of half a surrogate pair, which databases refuse. Text may hold them as characters, without being
# one: `_dump` then checks the value itself.
_SUSPECT: Final = re.compile(r"\\u0000|\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]")

_NO_ROOM: Final = "more than there is memory for"
# The backend answers these when it has done what was sent, and says where the result is.
_ELSEWHERE: Final = frozenset({302, 303})
_GONE: Final = frozenset({404, 410})
_MOVED: Final = "answered with a redirect to {}, which a write does not follow: give the session that host"

logger: Final = logging.getLogger("synapse")


@attrs.define
class _Tries:
    """What became of a request so far; `acted` says that one of the attempts may have done it."""

    began: float
    repeats: int = 0
    acted: bool = False
    outcome: RawResponse | Failure | None = None


class Delivery:
    """Sends the requests of one session; its state is the sockets of `transport` and the throttle of each origin."""

    def __init__(
        self,
        settings: Settings,
        *,
        dialect: Dialect,
        transport: Transport,
        masker: Masker,
        pause: Callable[[float], None],
        check_open: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._dialect = dialect
        self.masker = masker
        self._pause = pause
        self.check_open = check_open
        self._pace = Pace(settings.rate) if settings.rate else None
        self._throttles: dict[str, Throttle] = {}
        self.streams: weakref.WeakSet[ResponseBody] = weakref.WeakSet()
        self.transport = transport
        # By the names of API generations: headers of those that are not at home, what tells that one is missing, and
        # which have answered.
        self._signed: dict[str, Mapping[str, str]] = {}
        self._missing: dict[str, str] = {}
        self._served: set[str] = set()

    def send(self, request: Request, *, decode: Decode | None = None) -> Reply:
        """Send *request* and return its reply; a refusal or a failure is raised as a typed error."""
        attempt = self.prepare(request)
        with waiting():
            answer = self.deliver(attempt)
        self._served.add(attempt.dialect.name)
        data = self._data(answer, decode or parse, textual=request.textual)
        if isinstance(data, Failure):
            self._fail(attempt, data)
        return Reply(answer.status, data, answer.headers, length=len(answer.content), path=attempt.path)

    def _data(self, answer: RawResponse, decode: Decode, *, textual: bool) -> Any:
        """Parse a body, unless its values would not fit into memory."""
        most = most_values(self._settings.max_answer)
        crowded = is_crowded(answer.content, most=most)
        if crowded and not textual:
            what = f"more than {most:,} values, the most that this session reads into memory"
            return _too_much(what, status=answer.status)
        try:
            # The parser's error holds the whole body, tokens included: it must not become the cause of ours.
            with contextlib.suppress(ValueError):
                if not crowded:
                    return decode(answer.content)
            if textual:
                return text_of(answer)
        except MemoryError:
            return _too_much(_NO_ROOM, status=answer.status)
        words = describe(attrs.evolve(answer, content=answer.content[:MIB]), masker=self.masker)
        return Failure(
            f"{answer.status} with a body that is not JSON ({words})", True, False, status=answer.status
        )

    def prepare(self, request: Request, *, streamed: bool = False) -> Attempt:
        """Prepare an attempt at a request; nothing is sent yet."""
        base, timeout = self._settings.base, self._settings.timeout
        url = base.locate(request.path)
        if request.params:
            url = f"{url}{'&' if '?' in url else '?'}{encode(request.params)}"
        path = base.relative(url)
        spoken = homes.spoken_at(path, self._dialect)
        if spoken.name in self._missing:
            raise UnsupportedError(self._missing[spoken.name])
        label = f"{request.method} {self.masker.url(path)}"
        payload = None if request.json is UNSET else _dump(request, label=label)
        read = timeout.read if request.read_timeout is None else request.read_timeout
        return Attempt(
            request.method,
            Secret(url),
            label,
            self.masker.url(path),
            self._headers(request, payload, signed=self._signed_by(spoken)),
            connect_limit=timeout.connect,
            read_limit=request.read_timeout if streamed else read,
            payload=payload,
            body=request.body,
            streamed=streamed,
            once=request.once,
            divisible=request.divisible,
            harmless=request.harmless,
            dialect=spoken,
        )

    def fetch(self, url: str, *, start: int, headers: tuple[tuple[str, str], ...]) -> Attempt:
        """Prepare an attempt at fetching a file, without a token."""
        url = web_address(f"{self._settings.base.url}/", url)
        timeout = self._settings.timeout
        # Compressed, `Range` and `Content-Length` would count other bytes than those of the file.
        asked = {**self.transport.plain, "Accept-Encoding": "identity", **dict(headers)}
        if start:
            asked["Range"] = f"bytes={start}-"
        shown = self.masker.url(url)
        path = self._settings.base.relative(shown)
        return Attempt(
            "GET",
            url,
            f"GET {path}",
            path,
            asked,
            connect_limit=timeout.connect,
            read_limit=timeout.read,
            streamed=True,
            # Storages name their signatures as they like, so that the whole query is secret.
            signed=True,
            dialect=self._dialect,
        )

    def deliver(self, attempt: Attempt, *, follow: Callable[[str, str], str] | None = None) -> RawResponse:
        """Send until there is a successful answer, repeating and following redirects as far as that is safe."""
        tries = _Tries(time.monotonic())
        try:
            return self._deliver(attempt, follow or self._follow, tries)
        except StoppedError:
            # Of a write that may have happened, a call that is cancelled before the next attempt has to tell.
            if tries.acted and tries.outcome is not None and attempt.method not in _READS:
                self._refuse(attempt, tries.outcome, tries)
            raise

    def _deliver(self, attempt: Attempt, follow: Callable[[str, str], str], tries: _Tries) -> RawResponse:
        hops = 0
        while True:
            outcome = tries.outcome = self.exchange(attempt, again=tries.repeats > 0)
            if isinstance(outcome, RawResponse):
                if 200 <= outcome.status < 300:
                    return outcome
                if attempt.method == "DELETE" and outcome.status in _GONE and tries.acted:
                    # An earlier attempt deleted it, and its answer was lost.
                    return RawResponse(204, outcome.headers)
                location = conceal(outcome.headers.get("Location"))
                if outcome.status in _REDIRECTS and location:
                    hops += 1
                    attempt = self._redirected(attempt, outcome, location, hops=hops, follow=follow)
                    continue
            rule = self._rule_of(attempt, outcome)
            # Any of the attempts may have done it: that the last one is refused undoes nothing.
            tries.acted = tries.acted or rule.acted
            if isinstance(outcome, Failure) and (attempt.method in _READS or not tries.acted):
                check_cancelled()
            if tries.repeats >= self._settings.retry.total or not self._repeatable(attempt, outcome, rule):
                self._refuse(attempt, outcome, tries)
            self._wait(attempt, outcome, tries.repeats)
            tries.repeats += 1

    def exchange(self, attempt: Attempt, *, again: bool = False) -> RawResponse | Failure:
        """Send once, when the throttle of the origin allows it; *again* says that it was refused before."""
        throttle = self._throttle(attempt.url)
        # A stream may stay open for hours: if it counted for the limit, eight of them would block the session.
        slot, succeeded = Slot(retried=again, uncounted=attempt.streamed), False
        asked_at = time.monotonic()
        try:
            throttle.acquire(slot)
            outcome = self._exchange(attempt, waited=slot.started - asked_at)
            succeeded = isinstance(outcome, RawResponse) and outcome.status < 500
            if isinstance(outcome, RawResponse) and outcome.status in BUSY and self._settings.retry.total:
                asked, succeeded = outcome.retry_after, False
                if asked is not None and self._settings.retry.allows(asked):
                    throttle.pause(asked, slot=slot, label=f"{attempt.label}: {outcome.status}")
        finally:
            # A second Ctrl-C may skip the next line, but not a single step.
            throttle.running.discard(slot)
            throttle.release(slot, succeeded=succeeded)
        return outcome

    def _exchange(self, attempt: Attempt, *, waited: float) -> RawResponse | Failure:
        if attempt.method not in _READS:
            limit = attempt.read_limit
            begin_write(self._settings.timeout.read if limit is None else limit)
        try:
            return self.transport.exchange(attempt, waited=waited)
        except MemoryError:
            return _too_much(_NO_ROOM)

    def close(self) -> None:
        """Free the sockets, and let requests that wait for a slot see it."""
        self.transport.close()
        for throttle in list(self._throttles.values()):
            throttle.wake()

    def end(self) -> None:
        """Free the sockets for good, and end the streams that are being read."""
        self.close()
        for stream in list(self.streams):
            stream.cut()

    def _throttle(self, url: str) -> Throttle:
        origin = start_of(url)
        known = self._throttles.get(origin)
        # Two threads may both make one: `setdefault` gives both of them the one that was stored first.
        return known or self._throttles.setdefault(
            origin,
            Throttle(
                self._settings.retry,
                workers=self._settings.workers,
                pace=self._pace,
                check_open=self.check_open,
            ),
        )

    def failed(self, attempt: Attempt, failure: Failure, *, attempts: int = 1) -> TransportError:
        """Build the error of an attempt without a readable answer."""
        tries = f" ({attempts} attempts)" if attempts > 1 else ""
        where: dict[str, Any] = {
            "method": attempt.method,
            "url": self.masker.url(attempt.shown),
            "status_code": failure.status,
            "timed_out": failure.timed_out,
            "too_large": failure.too_large,
        }
        if attempt.method in IDEMPOTENT or not failure.acted:
            error = TransportError(
                f"{attempt.label}: {failure.reason}{tries}{_standing(attempt, acted=failure.acted)}", **where
            )
            error.unconfirmed = failure.acted and attempt.method not in _READS
            return error
        return WriteUnconfirmedError(
            f"{attempt.label}: {failure.reason}{tries}. It may or may not have happened"
            f"{'' if tries else ', and was not repeated'}: {_look(attempt)}",
            **where,
        )

    def _signed_by(self, dialect: Dialect) -> Mapping[str, str]:
        if dialect is self._dialect or dialect.name == FIRST:
            return self.transport.signed
        made = self._signed.get(dialect.name)
        if made is None:
            made = {**self.transport.unsigned, **dialect.headers(self._settings.credentials)}
            self._signed[dialect.name] = made
        return made

    def _headers(
        self, request: Request, payload: bytes | None, *, signed: Mapping[str, str]
    ) -> Mapping[str, str]:
        # Most requests are plain reads, which share one mapping instead of copying it.
        if not request.headers and payload is None and request.body is None and request.method in _READS:
            return signed
        headers = {**signed, **dict(request.headers)}
        if request.body is not None:
            headers["Content-Type"] = request.body.content_type
            headers["Content-Length"] = str(request.body.length)
        elif request.method not in ("DELETE", *_READS) or payload is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(payload or b""))
        return headers

    def _follow(self, url: str, location: str) -> str:
        return self._settings.base.follow(location, start=url)

    def _redirected(
        self,
        attempt: Attempt,
        answer: RawResponse,
        location: str,
        *,
        hops: int,
        follow: Callable[[str, str], str],
    ) -> Attempt:
        with contextlib.suppress(UnicodeError):
            # http.client decodes headers as Latin-1, but addresses in them are UTF-8.
            location = Secret(location.encode("latin-1").decode("utf-8"))
        acted = answer.status in _ELSEWHERE and attempt.method not in _READS
        try:
            url = follow(attempt.url, location)
        except OriginError as error:
            error.unconfirmed = acted
            raise
        if attempt.method not in _READS:
            moved = _MOVED.format(self.masker.url(url))
            self._fail(attempt, Failure(moved, acted=acted, passing=False, status=answer.status))
        if hops > _HOPS:
            self._fail(attempt, Failure(f"redirected more than {_HOPS} times", False, False))
        return attrs.evolve(attempt, url=url)

    def _wait(self, attempt: Attempt, outcome: RawResponse | Failure, repeats: int) -> None:
        asked = outcome.retry_after if isinstance(outcome, RawResponse) else None
        if asked is not None and isinstance(outcome, RawResponse) and outcome.status in BUSY:
            return  # the throttle holds all requests back for it, this one too
        seconds = self._settings.retry.wait(repeats, retry_after=asked)
        reason = outcome.reason if isinstance(outcome, Failure) else outcome.status
        logger.info("%s: %s; trying again in %.1f s", attempt.label, reason, seconds)
        self._pause(seconds)

    def _refuse(self, attempt: Attempt, outcome: RawResponse | Failure, tries: _Tries) -> NoReturn:
        """Raise the error of the last attempt."""
        attempts, acted = tries.repeats + 1, tries.acted
        if isinstance(outcome, RawResponse):
            rule, status = outcome.rule(attempt.dialect), outcome.status
            if status >= 400 and not (rule.acted and rule.by_gateway and attempt.method not in IDEMPOTENT):
                more = self._patience(outcome, attempts=attempts, seconds=time.monotonic() - tries.began)
                raise self._refused(attempt, outcome, more=more, acted=acted)
            reason = _untold(status)
            if status < 400:
                words = describe(outcome, masker=self.masker)
                reason = f"{status}, which answers nothing that was asked ({words})"
            outcome = Failure(reason, True, False, status=status)
        self._fail(attempt, attrs.evolve(outcome, acted=outcome.acted or acted), attempts=attempts)

    def _refused(self, attempt: Attempt, answer: RawResponse, *, more: str, acted: bool) -> ClientError:
        more += _standing(attempt, acted=True) if acted else ""
        if answer.status == HTTPStatus.UNAUTHORIZED and not attempt.signed:
            more += f" (is it a token of {start_of(attempt.url)}, and still valid?)"
        error = error_of(answer, label=attempt.label, masker=self.masker, dialect=attempt.dialect, more=more)
        self._check_served(attempt, error)
        error.unconfirmed = acted and attempt.method not in _READS
        passing = answer.rule(attempt.dialect).others is Effect.REPEATABLE
        error.too_long = passing and not self._settings.retry.allows(error.retry_after)
        return error

    def _check_served(self, attempt: Attempt, error: ClientError) -> None:
        """Raise `UnsupportedError` where a backend does not know the address of a whole API generation."""
        spoken = attempt.dialect
        # Behind a gateway, one that was there may be away for a moment: that is no reason to ask no more.
        lacking = homes.may_lack(spoken) and spoken.name not in self._served
        if error.status_code == 404 and lacking and not spoken.is_own(error.response):
            said = (
                f"{self._settings.host} serves no API {spoken.name} ({attempt.label}: 404), which this needs; "
                f'Session(api="auto") goes by {homes.FIRST} wherever that has what is asked for'
            )
            self._missing[spoken.name] = f"{said}. Nothing was sent"
            raise UnsupportedError(said)

    def _patience(self, answer: RawResponse, *, attempts: int, seconds: float) -> str:
        """Say how long a busy backend was waited for, and which pause it asked for."""
        asked, longest = answer.retry_after, self._settings.retry.max_wait
        if answer.status not in BUSY and self._settings.retry.allows(asked):
            return ""
        told = [f"{attempts} attempts in {seconds:.1f} s"] if attempts > 1 else []
        if asked is not None:
            told.append(f"it asks for a pause of {round(asked, 1):.10g} s")
            if asked > longest:
                told[-1] += f", and Retry(max_wait={longest:g}) allows no more{_until(asked)}"
        return f" ({'; '.join(told)})" if told else ""

    def _rule_of(self, attempt: Attempt, outcome: RawResponse | Failure) -> Rule:
        if isinstance(outcome, RawResponse):
            return outcome.rule(attempt.dialect)
        return rule_of_failure(acted=outcome.acted, passing=outcome.passing, slow=outcome.timed_out)

    def _repeatable(self, attempt: Attempt, outcome: RawResponse | Failure, rule: Rule) -> bool:
        # Whoever reads a page that took too long asks for smaller ones; as a whole it would take as long again.
        if attempt.divisible and rule.slow:
            return False
        twice = attempt.method in IDEMPOTENT and not attempt.once
        if isinstance(outcome, RawResponse):
            if not self._settings.retry.allows(outcome.retry_after):
                return False
            # A creation that is answered by the row that is there may follow one that a busy backend refused.
            twice = twice or (attempt.harmless and outcome.status in BUSY)
        return rule.effect(idempotent=twice) is Effect.REPEATABLE

    def _fail(self, attempt: Attempt, failure: Failure, *, attempts: int = 1) -> NoReturn:
        raise self.failed(attempt, failure, attempts=attempts) from failure.cause


def web_address(start: str, link: str) -> str:
    """Return the http(s) address that *link*, found at *start*, leads to, else a `TransferError`."""
    try:
        parts = urlsplit(urljoin(start, link))
        known = parts.scheme in ("http", "https") and parts.hostname
        if known and not parts.netloc.isascii():
            port = "" if parts.port is None else f":{parts.port}"
            parts = parts._replace(netloc=f"{host_of(str(parts.hostname))}{port}")
        address = clean(parts._replace(fragment="").geturl())
    except ValueError:
        raise TransferError("this is no address, nothing can be fetched from it") from None
    if not known:
        raise TransferError(f"nothing can be fetched from a {parts.scheme!r} address, only from http(s)")
    return Secret(address)


def _dump(request: Request, *, label: str) -> bytes:
    """Write a value as JSON; only if that fails is it checked part by part, which is slower and gives the path."""
    value = request.json
    try:
        if request.checked:
            return dumps(value)
        text = json.dumps(value, allow_nan=False, separators=(",", ":"), default=plain)
    except (TypeError, ValueError, RecursionError):
        text = None
    try:
        if text is None or ("\\u" in text and _SUSPECT.search(text)):
            text = json.dumps(check_json(value), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MappingError(f"{label}: the value to send is not JSON ({error}); nothing was sent") from error
    return text.encode()


def _too_much(what: str, *, status: int | None = None) -> Failure:
    return Failure(f"the answer holds {what} (see max_answer=…)", True, False, status=status, too_large=True)


def _standing(attempt: Attempt, *, acted: bool) -> str:
    """Say what is known about a write."""
    if attempt.method in _READS or attempt.once:
        return ""
    if not acted:
        return ". Nothing was written"
    if attempt.method in IDEMPOTENT or attempt.harmless:
        return ". It may have happened; doing it again is safe"
    return f". It may have happened all the same, and was not repeated: {_look(attempt)}"


def _look(attempt: Attempt) -> str:
    look = "list" if attempt.method == "POST" else "read back"
    return f"{look} {attempt.path} to see, before sending it again"


def _untold(status: int) -> str:
    words = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "from the network"
    return f"{status} {words}, which does not tell whether the backend acted"


def _until(asked: float) -> str:
    """Say when a pause is over, if its end is a date that can be written."""
    try:
        return f": try again at {datetime.fromtimestamp(time.time() + asked, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return ""
