"""What a query would ask, shown without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from synapse.dialects import Request
from synapse.optional import optional
from synapse.query import Gt, Gte, Lt, Lte, Query
from synapse.query.catalog import spell
from synapse.reading import parts
from synapse.reading.by_range import FEW_PAGES
from synapse.reading.plan import USUAL_PAGE, Plan, PlanName, check_name, plan_of
from synapse.reading.read import check_supported
from synapse.showing import MOST_LINES, lines_of, shortened

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.session import Session

USUAL_WORKERS = 8


@attrs.frozen
class Explanation:
    """The plan and the requests of a query: `requests` are exact; `more` describes what follows them.

    `api` is the API generation that they go by.
    """

    host: str
    requests: tuple[Request, ...]
    more: str = ""
    plan: str = "one"
    api: str = ""

    @classmethod
    def of(
        cls,
        table: Table,
        query: Query,
        *,
        session: Session | None,
        plan: PlanName | None = None,
        loaded: Sequence[str] = (),
    ) -> Explanation:
        """List the requests that iterating the query would make; *plan* overrides the automatic choice.

        *loaded* says by which requests what each page lacks comes.
        """
        check_name(plan)
        host = session.host if session else ""
        if query.empty:
            return cls(host, (), "nothing is sent: no row can match", api=table.api)
        check_supported(table, query)
        usual, workers = (session.page_size, session.workers) if session else (USUAL_PAGE, USUAL_WORKERS)
        name, requests, more = _laid_out(table, query, usual=usual, workers=workers, plan=plan)
        more += loaded
        return cls(host, tuple(requests), "; ".join(more), name, table.api)

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.requests)

    def __str__(self) -> str:
        lines = [f"{self.api}: {request.method} {self.host}/{request.shown}" for request in self.requests]
        said = lines_of(lines, count=len(lines), what="requests", most=MOST_LINES - 1)
        return "\n".join(filter(None, [said, f"({self.more})" if self.more else ""]))

    def __repr__(self) -> str:
        return shortened(f"<Explanation of plan {self.plan!r}\n{self}\n>")


def _laid_out(
    table: Table, query: Query, *, usual: int, workers: int, plan: PlanName | None
) -> tuple[str, list[Request], list[str]]:
    """Give the plan's name and the requests that are known, and say what depends on their answers."""
    if table.fits(query):
        chosen = plan_of(table, query, usual=usual, wanted=plan)
        more = _onward(table, chosen, workers=workers)
        return chosen.name, _requests(table, chosen), [f"{chosen.name}: {more}"] if more else []
    split = parts.split_filters(table, query, fits=table.fits)
    plans = [plan_of(table, part, usual=usual, wanted=plan) for part in split]
    if query.stop is None or not parts.in_sequence(table, split):
        firsts = [request for each in plans for request in _requests(table, each)]
        more = _onward(table, plans[0], workers=workers)
        return "parts", firsts, [f"parts: after each, {more}"]
    first = attrs.evolve(split[0], stop=query.stop)
    chosen = plan_of(table, first, usual=usual, wanted=plan)
    rest = f"then its further pages and the other {len(split) - 1} parts of the list, until {query.stop} rows came"
    return "parts", _requests(table, chosen)[:1], [f"parts: {rest}"]


def _onward(table: Table, plan: Plan, *, workers: int) -> str:
    """Say what follows the known requests."""
    pk = table.schema.pk
    if plan.name == "one" or (plan.name == "pages" and plan.query.stop is not None):
        return ""
    if plan.name == "cursor":
        walked = (
            f"; the {plan.query.start:,} rows before the slice are read as well" if plan.query.start else ""
        )
        return f"then each page by the cursor that the one before names, until one names none{walked}"
    if plan.name == "pages":
        return f"then the following pages, {workers} at a time, until one names no next"
    lead = Lt if plan.query.order[0].startswith("-") else Gt
    few = f"{spell(pk, lead)}=<last {pk}> and so on, until a page names no next"
    if not plan.cuts:
        return f"then {few}"
    return (
        f"then {few}; with more than {FEW_PAGES} pages to go, {_ranges(table, plan)} {workers} at a time, once one "
        f"request has told the last {pk}"
    )


def _ranges(table: Table, plan: Plan) -> str:
    """Estimate the ranges, where the query itself says between which keys it reads."""
    pk, size = table.schema.pk, plan.size
    ends = {each.lookup: each.value for each in plan.query.where if each.name == pk}
    low = ends.get(Gte, ends.get(Gt, 0) + 1 if Gt in ends else None)
    high = ends.get(Lt, ends.get(Lte, 0) + 1 if Lte in ends else None)
    # No key is below 1, whatever the bound.
    if low is None or high is None or high <= (low := max(low, 1)):
        return f"ranges that hold about {size} rows each,"
    return f"at most about {-(-(high - low) // size):,} ranges of {size} {pk}s,"


def _requests(table: Table, plan: Plan) -> list[Request]:
    query, size = plan.query, plan.size
    if plan.name == "cursor":
        return [table.select(query, at="", size=size)]
    open_ended = query.stop is None or plan.name == "ranges"
    last = query.start // size if open_ended or query.stop is None else (query.stop - 1) // size
    return [
        table.select(query, at=number + 1 if number else None, size=size)
        for number in range(query.start // size, last + 1)
    ]
