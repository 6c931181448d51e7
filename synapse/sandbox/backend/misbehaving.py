"""Do wrong on demand: answers that come late, refusals, and connections that are dropped."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
import time

from collections import Counter
from collections.abc import Callable, Iterable
from http.client import responses
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from waitress.channel import ClientDisconnected

from ..faults import FILE, Fault, Faults
from .v2 import PREFIX, refusal

FOR_PEOPLE: Final = re.compile("/(admin/|static/|$)")
# What each run makes anew, so that it can't tell which request is the same one.
MADE_ANEW: Final = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*")
MOST_OF_BODY: Final = 64 * 1024
SIGNATURE: Final = "sig"
MOST_COUNTED: Final = 100_000
OWN_WORDS: Final = "This is a fault on demand."
RETRIED: Final = (429, 503)
HEADER: Final = "Synapse-Sandbox-Fault"

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Misbehaving:
    """Stand before an application, and let the requests through that no fault hits."""

    def __init__(self, application: Application, folder: Path) -> None:
        self._application = application
        self._file = folder / FILE
        self._lock = threading.Lock()
        self._read_at: object = None
        self._faults = Faults()
        self._counts: Counter[str] = Counter()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        faults = self._current()
        if not faults or FOR_PEOPLE.match(environ["PATH_INFO"]):
            return self._application(environ, start_response)
        request = identity(environ)
        fault = faults.hitting(request, self._number_of(request))
        time.sleep(faults.latency)
        if fault is not None and not fault.after:
            path = environ["PATH_INFO"]
            return answer(fault, start_response, path=path, retry_after=faults.retry_after)
        done = self._application(environ, start_response if fault is None else _unheard)
        time.sleep(faults.latency_after)
        if fault is None:
            return done
        getattr(done, "close", _unheard)()
        return answer(fault, start_response)

    def _current(self) -> Faults:
        """Return what is wanted now: whoever changes it replaces the file."""
        try:
            found = self._file.stat()
            version: object = (found.st_mtime_ns, found.st_ino, found.st_size)
        except OSError:
            version = None
        if version != self._read_at:
            with self._lock:
                if version != self._read_at:
                    self._load()
                    self._read_at = version
        return self._faults

    def _load(self) -> None:
        try:
            text = self._file.read_text(encoding="utf-8")
            self._faults = Faults.parse(text)
        except FileNotFoundError:
            text, self._faults = "", Faults()
        except (OSError, ValueError) as error:
            # FaultsError is one: what holds already goes on.
            print(f"synapse.sandbox: {self._file}: {error}", file=sys.stderr, flush=True)
            return
        self._counts.clear()
        if str(self._faults) != text:
            print(f"synapse.sandbox: faults: {self._faults}", file=sys.stderr, flush=True)

    def _number_of(self, request: str) -> int:
        with self._lock:
            if len(self._counts) >= MOST_COUNTED:
                self._counts.clear()
            self._counts[request] += 1
            return self._counts[request]


def identity(environ: Environ) -> str:
    """Name a request so that it has the same name in the next run.

    By its body too: of the rows that eight threads create at one address, the same one is hit as with a single thread.
    """
    query = [(key, value) for key, value in parse_qsl(environ["QUERY_STRING"], True) if key != SIGNATURE]
    path = MADE_ANEW.sub("*", environ["PATH_INFO"])
    address = f"{environ['REQUEST_METHOD']} {path}?{urlencode(query, errors='surrogateescape')}"
    return f"{address} {body}" if (body := _name_of_body(environ)) else address


def _name_of_body(environ: Environ) -> str:
    stream = environ["wsgi.input"]
    text = stream.read(MOST_OF_BODY).decode("latin-1")
    stream.seek(0)
    _, _, boundary = environ.get("CONTENT_TYPE", "").partition("boundary=")
    if boundary:
        text = text.replace(boundary.strip('"'), "")
    text = MOMENT.sub("*", MADE_ANEW.sub("*", text))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text else ""


def answer(
    fault: Fault, start_response: Callable[..., Any], *, path: str = "/", retry_after: int | None = None
) -> list[bytes]:
    """Answer with a fault: in the backend's own words where it refuses, else as a gateway in front of it would."""
    if fault.status is None:
        # Closes the connection, and says nothing on it.
        raise ClientDisconnected
    reason = responses.get(fault.status, "Fault")
    own = retry_after is not None and (fault.status < 500 or fault.status in RETRIED)
    headers = [
        ("Content-Type", "application/json" if own else "text/html; charset=utf-8"),
        (HEADER, fault.name),
    ]
    if own and fault.status in RETRIED:
        headers.append(("Retry-After", str(retry_after)))
    page = f"<html><body><h1>{fault.status} {reason}</h1></body></html>"
    words = refusal(fault.status, OWN_WORDS) if path.startswith(PREFIX) else {"detail": OWN_WORDS}
    body = json.dumps(words) if own else page
    start_response(f"{fault.status} {reason}", [*headers, ("Content-Length", str(len(body)))])
    return [body.encode()]


def _unheard(*_args: object) -> Any:
    return _unheard
