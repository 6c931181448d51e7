"""What a query would ask, shown without asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from synapse.dialects import V1, Request
from synapse.orm import reading
from synapse.query import Query

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
        split = [query]
        if not dialect.fits(entity._schema, query):
            split = reading.whole_parts(entity, query, fits=lambda each: dialect.fits(entity._schema, each))
        requests = []
        for part in split:
            ordered = reading.totally_ordered(entity, part)
            size = reading.page_size_for(ordered, usual)
            last = ordered.start // size if ordered.stop is None else (ordered.stop - 1) // size
            requests += [
                dialect.select(entity._schema, ordered, page=number + 1, size=size)
                for number in range(ordered.start // size, last + 1)
            ]
        more = [] if split[-1].stop is not None else ["then the following pages, until one names no next"]
        more += [f"then {path} of each page in a batch" for path in query.prefetch]
        return cls(host, tuple(requests), "; ".join(more))

    def __len__(self) -> int:
        return len(self.requests)

    def __str__(self) -> str:
        lines = [f"{request.method} {self.host}/{request.shown}" for request in self.requests]
        return "\n".join([*lines, *([f"({self.more})"] if self.more else [])])

    def __repr__(self) -> str:
        return f"<Explanation\n{self}\n>"
