"""What a query would ask, shown without asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from synapse.dialects import V1, Request
from synapse.orm import keywalk, parts, reading
from synapse.query import Query
from synapse.query.catalog import spell

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

USUAL_PAGE = 100


@attrs.frozen
class Explanation:
    """The requests of a query. `requests` are known exactly; `more` says what follows them."""

    host: str
    requests: tuple[Request, ...]
    more: str = ""

    @classmethod
    def of(cls, entity: type[Entity], query: Query, *, session: Session | None) -> Explanation:
        """Lay out the requests that iterating the query would make."""
        dialect, host = (session.dialect, session.host) if session else (V1(), "")
        if query.empty:
            return cls(host, (), "nothing is sent: no row can match")
        usual = session.page_size if session else USUAL_PAGE
        requests, more = _plan(entity, query, dialect, usual)
        more += [f"then {path} of each page in a batch" for path in query.prefetch]
        return cls(host, tuple(requests), "; ".join(more))

    def __len__(self) -> int:
        return len(self.requests)

    def __str__(self) -> str:
        lines = [f"{request.method} {self.host}/{request.shown}" for request in self.requests]
        return "\n".join([*lines, *([f"({self.more})"] if self.more else [])])

    def __repr__(self) -> str:
        return f"<Explanation\n{self}\n>"


def _plan(entity: type[Entity], query: Query, dialect: V1, usual: int) -> tuple[list[Request], list[str]]:
    """Give the requests that are known, and say what depends on their answers."""
    if dialect.fits(entity._schema, query):
        ordered = parts.totally_ordered(entity, query)
        more = [] if query.stop is not None else [_onward(entity, ordered, dialect)]
        return _requests(entity, ordered, dialect, usual), more
    split = parts.whole_parts(entity, query, fits=lambda each: dialect.fits(entity._schema, each))
    if query.stop is None or not parts.in_sequence(entity, split):
        firsts = [request for part in split for request in _requests(entity, part, dialect, usual)]
        return firsts, [f"after each, {_onward(entity, split[0], dialect)}"]
    first = _requests(entity, attrs.evolve(split[0], stop=query.stop), dialect, usual)[:1]
    rest = f"then its further pages and the other {len(split) - 1} parts of the list, until {query.stop} rows came"
    return first, [rest]


def _onward(entity: type[Entity], ordered: Query, dialect: V1) -> str:
    lead = keywalk.onward(entity, ordered, dialect=dialect)
    if lead is None:
        return "then the following pages, until one names no next"
    pk = entity._schema.pk
    return f"then {spell(pk, lead)}=<last {pk}> and so on, until a page names no next"


def _requests(entity: type[Entity], ordered: Query, dialect: V1, usual: int) -> list[Request]:
    size = reading.page_size_for(ordered, usual)
    last = ordered.start // size if ordered.stop is None else (ordered.stop - 1) // size
    return [
        dialect.select(entity._schema, ordered, page=number + 1, size=size)
        for number in range(ordered.start // size, last + 1)
    ]
