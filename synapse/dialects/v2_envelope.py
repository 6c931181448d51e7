"""Wire v2: what answers are wrapped in, which nobody is sure of: an envelope, a list of its own, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from synapse.dialects.dialect import Found, Place, Refusal
from synapse.dialects.refusals import code_of, flatten, summary
from synapse.dialects.wire import Reply, Request
from synapse.errors import TransportError
from synapse.masking import Masker, outline

_ENVELOPE: Final = frozenset({"data", "meta"})
_BOUNDS: Final = frozenset({"created_after", "created_before"})
_SLACK: Final = timedelta(seconds=1)  # a backend may show moments less finely than it compares them
_NEXT: Final = frozenset({"next_cursor", "next"})


def unwrapped(data: Any) -> Any:
    """Take an answer out of its envelope; a row may have fields of these names, but never those alone.

    >>> unwrapped({"data": {"id": 7}, "meta": {"request_id": "req_1"}}), unwrapped({"id": 7, "data": None, "meta": {}})
    ({'id': 7}, {'id': 7, 'data': None, 'meta': {}})
    """
    return data["data"] if isinstance(data, dict) and "data" in data and data.keys() <= _ENVELOPE else data


def found_in(reply: Reply, request: Request) -> Found:
    """Read a list, in whichever of its shapes it comes."""
    inner = unwrapped(reply.data)
    meta = reply.data.get("meta") if isinstance(reply.data, dict) else None
    told: Any = meta.get("pagination") if isinstance(meta, dict) else None
    rows = inner
    if isinstance(inner, dict):
        rows, told = inner.get("results"), inner
    elif request.method == "POST":
        told = {"next": None}  # what bulk reads say of pages means nothing
    if not isinstance(rows, list) or not isinstance(told, dict) or told.keys().isdisjoint(_NEXT):
        raise _no_page(reply, request)
    next_page = told.get("next_cursor") or told.get("next") or None
    if not isinstance(next_page, str | None):
        raise _no_page(reply, request)
    count = told.get("count")
    link = next_page if next_page is not None and "?" in next_page else None
    return Found(
        rows, count if type(count) is int else None, next_page and _following(next_page, request), link
    )


def check_bounds(rows: list[Any], request: Request) -> None:
    """Raise where rows lie beyond the moments that were asked for: nobody has seen a backend heed these filters."""
    for name, text in request.params:
        bound = _moment(text) if name in _BOUNDS else None
        for row in rows if bound is not None else ():
            moment = _moment(row.get("created")) if isinstance(row, dict) else None
            if moment is None or bound is None:
                continue
            beyond = bound - moment if name == "created_after" else moment - bound
            if beyond > _SLACK:
                raise TransportError(
                    f"{request.method} {Masker().url(request.path)}: the backend ignores {name}={text}, and gives "
                    f"rows of {moment}. Leave the filter out, and choose the rows here",
                    method=request.method,
                    url=request.shown,
                )


def check_newest_first(rows: list[Any], request: Request) -> None:
    """Raise where rows that were asked for in that order don't come newest first: no backend says that it heeds it."""
    if ("sort", "-created") not in request.params:
        return
    moments = [_moment(row.get("created")) if isinstance(row, dict) else None for row in rows]
    known = [moment for moment in moments if moment is not None]
    if any(later - earlier > _SLACK for earlier, later in pairwise(known)):
        raise TransportError(
            f"{request.method} {Masker().url(request.path)}: rows don't come newest first, as this API says that they "
            "do. Leave the order out, and sort the rows here",
            method=request.method,
            url=request.shown,
        )


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None


def _following(told: str, request: Request) -> Place | None:
    """Give the place of the next page: its number, or the cursor, which is told as it is, encoded, or within a link."""
    page = dict(request.params).get("page")
    if page is not None:
        return int(page) + 1
    if "?" in told:
        return next(iter(parse_qs(urlsplit(told).query).get("cursor", ())), None)
    # One that is encoded twice is refused.
    return unquote(told)


def _no_page(reply: Reply, request: Request) -> TransportError:
    data = outline(reply.data)  # no more of it is for whatever lists the variables
    return TransportError(
        f"{request.method} {Masker().url(request.path)}: expected a page, a list 'data' and its 'meta', got {data}",
        method=request.method,
        url=request.shown,
        status_code=reply.status,
    )


def refusal_in(body: Any, headers: Mapping[str, str]) -> Refusal:
    """Read a refusal: a code, a message and details by field; what isn't in this form is told as it came."""
    said = body.get("error") if isinstance(body, dict) else None
    if not isinstance(said, dict):
        return Refusal(summary(body), flatten(body), headers.get("X-Request-Id"), code_of(body))
    errors = _by_field(said.get("details"))
    words = summary({"detail": said.get("message"), **errors})
    meta = body.get("meta")
    request = meta.get("request_id") if isinstance(meta, dict) else None
    request = request if isinstance(request, str) else headers.get("X-Request-Id")
    return Refusal(words, errors, request, code_of(said))


def _by_field(details: Any) -> dict[str, list[str]]:
    """Sort details by their fields; whatever else one says stands under its own name."""
    found: dict[str, list[str]] = {}
    for each in details if isinstance(details, list) else [details]:
        if not isinstance(each, dict):
            each = {} if each is None else {"message": each}
        field = each.get("field")
        rest = {name: value for name, value in each.items() if name not in ("field", "message")}
        named = {field if isinstance(field, str) and field else "non_field_errors": each.get("message")}
        for name, texts in flatten(named | rest).items():
            found.setdefault(name, []).extend(texts)
    return found
