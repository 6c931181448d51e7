"""Lists of the flat client: one page as the wire has it, or every row, read ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from synapse.client.calls import Params, Row
from synapse.client.conversion import Conversion, Convert, conversion
from synapse.client.exceptions import told
from synapse.client.params import encoded
from synapse.dialects import Request
from synapse.dialects.v1 import found_in, names_of
from synapse.dialects.v1_client import LISTS, ORDERS, FlatList, FlatTable, parameters
from synapse.errors import MappingError, QueryError, SynapseError, TransportError
from synapse.masking import outline
from synapse.orm.record import entity_named
from synapse.query import Query
from synapse.reading.plan import PlanName
from synapse.reading.read import ReadOptions, RowReader, read_unsplit
from synapse.session import Timeout

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient
    from synapse.orm.record import Record
    from synapse.reading.route import Window

Walk: TypeAlias = tuple[Iterator[Row], int]

USUAL_SIZE = 100


class Options(TypedDict, total=False):
    """What lists take besides.

    `page_size` is the number of rows that one request asks for, `timeout` the seconds to wait for its answer (or a
    pair of which that is the second), and `throttle_seconds` the pause between two pages. A page that fails after all
    repeats is noted in `page_failures`, where that is given, and ends the rows. How often a page is repeated is the
    session's to say, so that `page_retries` and `page_retry_backoff` are taken and not needed.
    """

    page_size: int
    timeout: float | tuple[float, float] | Mapping[str, float]
    throttle_seconds: float
    page_retries: int
    page_retry_backoff: float
    page_failures: list[Row] | None


def listed(
    client: BackendClient,
    name: str,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    options: Options | None = None,
) -> Any:
    """Give one page, or with *list_all* the rows of all and their number."""
    flat, options = LISTS[name], options or {}
    for option in options:
        if option not in Options.__annotations__:
            raise TypeError(f"list_{name}() got an unexpected keyword argument {option!r}")
    cls = entity_named(flat.entity)
    given = _given(client, flat, cls, params, options)
    mapped = conversion(client, url_conversion, downloads=list_all)
    if list_all:
        return _walk(client, flat, cls, given, convert=mapped, options=options)
    request = Request("GET", flat.path, params=given, read_timeout=_patience(options))
    reply = client.session.send(request)
    page = reply.data
    if not isinstance(page, list):
        found_in(reply, request)
    if mapped is not None and isinstance(page, dict):
        mapped(page.get("results"))
    return page


def every(client: BackendClient, name: str, params: Params = None) -> list[Row]:
    """Give the rows of a list that is short, all of them."""
    rows, _ = listed(client, name, params, list_all=True)
    return list(rows)


def _given(
    client: BackendClient, flat: FlatList, cls: type[Record], params: Params, options: Options
) -> tuple[tuple[str, str], ...]:
    """Check and write the parameters of a list."""
    known = parameters(flat, cls._schema, catalog=cls._catalog)
    given = encoded(client, flat.path, params, known=known)
    size = options.get("page_size", flat.size)
    if size is not None and not any(name == "page_size" for name, _ in given):
        given = (*given, ("page_size", str(size)))
    if client.strict:
        _check_orders(flat, cls, given)
    return given


def _patience(options: Options) -> float | None:
    given = options.get("timeout")
    if isinstance(given, Mapping):
        given = given.get("read")
    seconds = given[1] if isinstance(given, tuple) else given
    return None if seconds is None else Timeout.of({"read": seconds}).read


def _check_orders(flat: FlatList, cls: type[Record], given: tuple[tuple[str, str], ...]) -> None:
    known = dict.fromkeys((*cls._catalog.order_by, *ORDERS))
    for each in _orders(given):
        if each.lstrip("-") not in known:
            raise QueryError(
                f"{flat.path} cannot be ordered by {each!r}: the backend would ignore it. Orders: "
                f"{', '.join(known)}; BackendClient(..., strict=False) sends any. Nothing was sent"
            )


def _orders(given: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    texts = [text for name, text in given if name == "ordering"]
    return tuple(each.strip() for text in texts for each in text.split(",") if each.strip())


def _walk(
    client: BackendClient,
    flat: FlatList,
    cls: type[Record],
    given: tuple[tuple[str, str], ...],
    *,
    convert: Convert | None,
    options: Options,
) -> Walk:
    table = FlatTable(cls._schema, cls._catalog, path=flat.path, read_timeout=_patience(options))
    query, how = _question(cls, flat, given, options=options)
    reader = read_unsplit(table, query, session=client.session, how=how)
    first = reader.next()
    return _rows(client, reader, first, convert=convert, options=options), reader.count or 0


def _question(
    cls: type[Record], flat: FlatList, given: tuple[tuple[str, str], ...], *, options: Options
) -> tuple[Query, ReadOptions]:
    """Turn parameters into the query that the reading engine takes, and how it is to be read."""
    taken = {"page", "page_size", "pagination", "cursor"}
    asked, orders = dict(given), _orders(given)
    if all(each.lstrip("-") in cls._catalog.order_by for each in orders):
        taken.add("ordering")
    raw = tuple((name, text) for name, text in given if name not in taken)
    size = _number(asked, "page_size", USUAL_SIZE)
    start = (_number(asked, "page", 1) - 1) * size
    by = orders if "ordering" in taken and orders else (flat.order,)
    plan: PlanName | None = None
    if asked.get("pagination") == "cursor":
        plan = "cursor"
    elif _lacks_key(raw, names_of(cls._schema)[cls._schema.pk]):
        plan = "pages"
    workers = 1 if options.get("throttle_seconds") else None
    how = ReadOptions(size=size if "page_size" in asked else None, workers=workers, plan=plan)
    return Query(order=by, start=start, params=raw), how


def _number(asked: Mapping[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    if not text.isdecimal() or int(text) < 1:
        raise QueryError(
            f"params[{name!r}] must be a whole number, 1 or more, not {text!r}; nothing was sent"
        )
    return int(text)


def _lacks_key(raw: tuple[tuple[str, str], ...], pk: str) -> bool:
    """Whether the rows come without the key that they are told apart by."""
    named = [(name.removesuffix("[]"), text.split(",")) for name, text in raw]
    fields = [each for name, texts in named if name == "fields" for each in texts]
    return bool(fields and pk not in fields) or any(name == "omit" and pk in texts for name, texts in named)


def _rows(
    client: BackendClient,
    reader: RowReader,
    window: Window | None,
    *,
    convert: Convert | None,
    options: Options,
) -> Iterator[Row]:
    pause, failures = options.get("throttle_seconds", 0.0), options.get("page_failures")
    try:
        while window is not None:
            with told():
                _check_rows(window)
                if convert is not None:
                    convert(window.rows)
            yield from window.rows
            try:
                with told():
                    if pause:
                        client.session.pause(pause)
                    window = reader.next()
            except SynapseError as error:
                if failures is None:
                    raise
                failures.append(
                    {"page": None, "url": _place(error), "error": f"{type(error).__name__}: {error}"}
                )
                return
    finally:
        reader.close()


def _check_rows(window: Window) -> None:
    """Refuse rows that are no objects, whatever is in those."""
    if set(map(type, window.rows)) - {dict}:
        place = next(place for place, row in enumerate(window.rows) if not isinstance(row, dict))
        error = MappingError(
            f"row {window.first + place + 1} is no object, but {outline(window.rows[place])}"
        )
        error.row = window.first + place + 1
        raise error


def _place(error: SynapseError) -> str | None:
    return error.url if isinstance(error, TransportError) else None
