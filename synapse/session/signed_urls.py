"""Uploads straight into a storage, to addresses that the backend has signed."""

from __future__ import annotations

from typing import Final

import attrs

from synapse.dialects.wire import Body
from synapse.errors import TransferError
from synapse.masking import Masker, Secret
from synapse.session.config import Timeout
from synapse.session.delivery import Delivery, web_address
from synapse.session.http import Attempt
from synapse.session.network_errors import Failure
from synapse.session.replies import RawResponse

_HOPS: Final = 3
_SAME_METHOD: Final = frozenset({307, 308})


def put(
    delivery: Delivery, url: str, *, body: Body, timeout: Timeout, read_timeout: float, again: bool
) -> RawResponse:
    """Send *body* once, without the session's tokens, and return the answer; without one, raise `TransportError`.

    A redirect that keeps the method is followed, except from https to http.
    """
    url = Secret(url)  # debuggers list variables, and its signature is a secret
    headers = {**delivery.transport.plain, "Content-Length": str(body.length)}
    if body.content_type:
        headers["Content-Type"] = body.content_type
    place = web_address("", url)
    attempt = Attempt("PUT", place, "", "", headers, timeout.connect, read_timeout, body=body, signed=True)
    attempt = _to(place, attempt, masker=delivery.masker)
    hops = 0
    while True:
        outcome = delivery.exchange(attempt, again=again)
        if isinstance(outcome, Failure):
            raise delivery.failed(attempt, outcome) from outcome.cause
        target = _moved(attempt, outcome)
        if target is None or hops == _HOPS:
            return outcome
        attempt, hops = _to(target, attempt, masker=delivery.masker), hops + 1


def _moved(attempt: Attempt, answer: RawResponse) -> str | None:
    """Return the address that the storage redirects the request to, if that may be followed."""
    location = answer.headers.get("Location")
    if answer.status not in _SAME_METHOD or not location:
        return None
    try:
        target = web_address(attempt.url, location)
    except TransferError:
        return None
    return None if attempt.url.startswith("https:") and not target.startswith("https:") else target


def _to(url: str, attempt: Attempt, *, masker: Masker) -> Attempt:
    place = masker.url(url.partition("?")[0])
    return attrs.evolve(attempt, url=url, label=f"PUT {place}", path=place)
