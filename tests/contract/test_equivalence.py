"""Random chains of queries give through the SDK what they give through Django's own ORM on the backend's database.

`EQUIVALENCE=20 pytest tests/contract/test_equivalence.py` runs twenty times as many, each time others.
"""

from __future__ import annotations

import os
import re

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from synapse import QueryError
from synapse.sandbox import Sandbox
from tests.amounts import either
from tests.contract.compared_rows import populate
from tests.contract.equivalence import MISSING, Ask, CappedSession, Subject
from tests.contract.factory import Factory
from tests.contract.subjects import subjects

pytestmark = pytest.mark.usefixtures("each_parser")

TIMES = int(os.environ.get("EQUIVALENCE", "0"))


@attrs.frozen
class Chain:
    """One query: its steps in order, how it ends, and the pages that it is read by."""

    steps: tuple[tuple[str, Any], ...]
    end: tuple[str, Any]
    page_size: int
    cap: int
    decoration: int


@pytest.fixture(scope="module")
def compared(box: Sandbox, tables: Any) -> dict[str, Subject]:
    """A workspace full of rows, and every entity that is compared in it."""
    make = Factory(tables, tables.Tenant.objects.get(code="equivalence"))
    return subjects(tables, populate(make))


@pytest.fixture(scope="module")
def capped(box: Sandbox) -> Iterator[CappedSession]:
    """A session of that workspace, whose pages each example cuts."""
    made = CappedSession(box.url, api_token=box.tenants["equivalence"].api_token)
    yield made
    made.close()


# --- what is asked -------------------------------------------------------------
@st.composite
def chains(draw: Any, subject: Subject) -> Chain:
    """Filters and exclusions, then orders, then slices of slices, now and then a step too late, and an end."""
    asks = draw(filters(subject))
    steps: list[tuple[str, Any]] = [("filter", ask) for ask in asks]
    if subject.negative and draw(st.integers(0, 3)) == 0:
        steps.append(("exclude", draw(subject.pairs(subject.negative).filter(_short))))
    steps = draw(st.permutations(steps))
    signed = st.sampled_from([f"{sign}{name}" for name in subject.orders for sign in ("", "-")])
    orders = st.lists(signed, max_size=2, unique_by=lambda name: name.lstrip("-"))
    turns = [("order_by", names) for names in draw(st.lists(orders, max_size=1))]
    steps += draw(st.permutations([*turns, *[("reverse", None)] * draw(st.integers(0, 2))]))
    bounds = st.tuples(st.none() | st.integers(0, 12), st.none() | st.integers(0, 30))
    steps += [("slice", slice(*draw(bounds))) for _ in range(draw(st.sampled_from([0, 0, 1, 2, 2, 3])))]
    late = [("reverse", None), ("order_by", [subject.pk])]
    if "slice" in dict(steps) and draw(st.integers(0, 9)) == 0:
        steps.append(draw(st.sampled_from([*late, *(("filter", ask) for ask in asks[:1])])))
    sizes = st.integers(1, 12) | st.just(100)
    return Chain(
        tuple(steps), draw(ends(subject, bool(asks))), draw(sizes), draw(sizes), draw(st.integers(0, 20))
    )


def filters(subject: Subject) -> st.SearchStrategy[list[Ask]]:
    """No filter, one, several, or two on one name, which together mean both."""
    single = subject.pairs().map(lambda ask: [ask])
    several = st.lists(subject.pairs(), min_size=2, max_size=3, unique_by=_name)
    return st.one_of(st.just([]), single, several, subject.twice())


def _name(ask: Ask) -> str:
    return ask.spelling.removesuffix("__in")


def _short(ask: Ask) -> bool:
    return not isinstance(ask.value, list) or len(ask.value) < 100


def ends(subject: Subject, filtered: bool) -> st.SearchStrategy[tuple[str, Any]]:
    """Every way to read a query."""
    plain = ("list", "list", "count", "count", "len", "bool", "exists", "first", "last", "in_bulk")
    fields = st.lists(st.sampled_from(subject.fields), min_size=1, max_size=3, unique=True)
    ends: dict[str, st.SearchStrategy[Any]] = {
        "values_list": fields,
        "values": fields,
        "flat": fields.map(lambda names: names[:1]),
        "index": st.integers(-2, 40),
        "step": st.builds(lambda low, step: slice(low, low + 20, step), st.integers(0, 9), st.integers(1, 3)),
        "iterator": st.integers(1, 9),
        "contains": st.sampled_from(subject.keys),
    }
    missing = [MISSING] if isinstance(subject.keys[0], int) else []
    if subject.single:
        ends["in_bulk"] = st.none() | st.lists(st.sampled_from([*subject.keys, *missing]), max_size=5)
        if not filtered or "id" in subject.asks:
            ends["get"] = st.sampled_from([*subject.keys, *missing])
    return st.sampled_from([*plain, *ends]).flatmap(
        lambda name: st.tuples(st.just(name), ends.get(name, st.none()))
    )


# --- what is answered ------------------------------------------------------------
def answer(run: Any) -> Any:
    """Give what *run* gives, or the kind of its refusal: Django's words for it are others."""
    try:
        return run()
    except IndexError:
        return "no such row"
    except (QueryError, TypeError, ValueError) as error:
        assert isinstance(error, QueryError) or re.search("slice|limit|Negative", str(error)), error
        return "refused"
    except Exception as error:
        if type(error).__name__ in ("DoesNotExist", "MultipleObjectsReturned"):
            return type(error).__name__
        raise


def from_sdk(subject: Subject, chain: Chain, session: CappedSession) -> Any:
    """Ask the SDK."""
    query = subject.entity.objects.using(session)
    if chain.decoration < len(subject.decorations):
        query = subject.decorations[chain.decoration](query)
    for verb, value in chain.steps:
        if verb == "slice":
            query = query[value]
        elif isinstance(value, Ask):
            query = getattr(query, verb)(**{value.spelling: value.value})
        else:
            query = getattr(query, verb)(*(value or ()))
    return finish(subject, query, chain.end, ref=subject.entity.ref)


def from_django(subject: Subject, chain: Chain) -> Any:
    """Ask Django, whose order ends at the key as ours does."""
    query = subject.rows.order_by(*subject.natural)
    for verb, value in chain.steps:
        if verb == "slice":
            query = query[value]
        elif isinstance(value, Ask):
            query = getattr(query, verb)(value.meaning)
        elif verb == "order_by":
            ordered = (*value, "-pk" if value[-1].startswith("-") else "pk") if value else subject.natural
            query = query.order_by(*ordered)
        else:
            query = query.reverse()
    return finish(subject, query, chain.end, ref=lambda key: subject.model(pk=key))


def finish(subject: Subject, query: Any, end: tuple[str, Any], *, ref: Any) -> Any:
    """Read a query of either side; rows become keys."""
    verb, value = end
    if verb in ("list", "iterator"):
        size = {"page_size" if hasattr(query, "entity") else "chunk_size": value}
        return [text(row.pk) for row in (query if verb == "list" else query.iterator(**size))]
    if verb in ("len", "bool"):
        return len(query) if verb == "len" else bool(query)
    if verb in ("values", "values_list", "flat"):
        flat = {"flat": True} if verb == "flat" else {}
        return [
            plain(each)
            for each in getattr(query, "values" if verb == "values" else "values_list")(*value, **flat)
        ]
    if verb == "in_bulk":
        return {
            text(key): text(row.pk)
            for key, row in query.in_bulk(*([value] if value is not None else [])).items()
        }
    if verb == "get":
        return text(query.get(pk=value).pk)
    if verb == "index":
        return text(query[value].pk)
    if verb == "step":
        return [text(row.pk) for row in query[value]]
    if verb == "contains":
        return ref(value) in query
    found = getattr(query, verb)()
    return text(found.pk) if hasattr(found, "pk") else found


def plain(value: Any) -> Any:
    """Make the values of a row comparable."""
    if isinstance(value, dict):
        return {name: text(each) for name, each in value.items()}
    return tuple(map(text, value)) if isinstance(value, tuple) else text(value)


def text(value: Any) -> Any:
    """Write a UUID as the wire does."""
    return str(value) if type(value).__name__ == "UUID" else value


def compare(data: st.DataObject, subject: Subject, session: CappedSession) -> None:
    """Draw one chain and ask both sides."""
    chain = data.draw(chains(subject))
    session.page_size, session.cap = chain.page_size, chain.cap

    expected = answer(lambda: from_django(subject, chain))
    actual = answer(lambda: from_sdk(subject, chain, session))

    assert expected == actual


def examples(number: int) -> settings:
    """So many examples in a full run, a quarter in the quick one; more and others on demand."""
    return settings(
        max_examples=number * TIMES or either(number, number // 4), derandomize=not TIMES, database=None
    )


class TestSameAsDjango:
    @examples(150)
    @given(data=st.data())
    def test_tasks(self, data: st.DataObject, compared: dict[str, Subject], capped: CappedSession):
        """Tasks have every kind of filter."""
        compare(data, compared["tasks"], capped)

    @examples(100)
    @given(data=st.data())
    def test_assignments(self, data: st.DataObject, compared: dict[str, Subject], capped: CappedSession):
        """Assignments have relations and moments that may be null."""
        compare(data, compared["assignments"], capped)

    @pytest.mark.parametrize(
        "resource", ["projects", "task_tags", "data_units", "ground_truth_events", "jobs"]
    )
    @examples(40)
    @given(data=st.data())
    def test_others(
        self, data: st.DataObject, resource: str, compared: dict[str, Subject], capped: CappedSession
    ):
        """Entities with few lookups keep to the same meanings."""
        compare(data, compared[resource], capped)
