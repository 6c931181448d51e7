"""A lookup that an extender declares: one class, and one row on an entity."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from synapse.dialects import Request
from synapse.errors import QueryError
from synapse.mapping import read_only
from synapse.orm import Entity, entity
from synapse.query import By
from synapse.query.kinds import Kind
from synapse.query.lookups import Lookup
from synapse.testing import CannedSession, canned, page


class Contains(Lookup):
    """Holds this text, in whatever case."""

    name = "contains"

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Compare without the case."""
        return asked.casefold() in value.casefold() if isinstance(value, str) else None


class Not(Lookup):
    """Other than this text: two values of it have rows in common, and no field is compared."""

    name = "not"


class Between(Lookup):
    """From one key to another."""

    name = "between"

    @classmethod
    def check(cls, what: str, value: Any, *, kind: Kind) -> tuple[Any, ...]:
        """Check both ends."""
        return tuple(kind.check(what, each) for each in value)


@entity("projects")
class Site(Entity):
    """A project, as an extender may declare it."""

    id: int = read_only()
    title: str

    lookups: ClassVar = {"title": By(Contains, Not), "id": By(Between)}


@pytest.fixture
def session() -> CannedSession:
    """A backend of three sites, of which two hold the word."""
    rows = [{"id": 1, "title": "Day one"}, {"id": 2, "title": "Night"}, {"id": 3, "title": "Sunday"}]

    def answer(request: Request) -> Any:
        asked, other = (dict(request.params).get(f"title__{name}", "") for name in ("contains", "not"))
        found = (row for row in rows if asked.casefold() in row["title"].casefold())
        return page(*(row for row in found if row["title"] != other))

    changed = {f"PATCH projects/{row['id']}/": {**row, "title": "A day"} for row in rows}
    gone = {f"DELETE projects/{row['id']}/": None for row in rows}
    return canned({"GET projects/": answer, **changed, **gone})


def test_reads(session: CannedSession) -> None:
    """Its value travels under the name of the field and its own."""
    assert [1, 3] == [site.id for site in Site.objects.using(session).filter(title__contains="day")]
    assert ("title__contains", "day") in session.requests[0].params


def test_of_several_values_sends_each(session: CannedSession) -> None:
    """A tuple travels as those of `__in` do, and not as Python shows it."""
    list(Site.objects.using(session).filter(id__between=(1, 3)))

    assert ("id__between", "1,3") in session.requests[0].params


def test_of_several_values_gives_a_tuple(session: CannedSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list cannot be hashed, as conditions are, and is refused before it is asked for."""
    monkeypatch.setattr(Between, "check", classmethod(lambda cls, what, value, *, kind: [value]))

    with pytest.raises(TypeError, match=r"Between\.check\(\) gives a list; several values are a tuple"):
        Site.objects.using(session).filter(id__between=1)


def test_is_explained(session: CannedSession) -> None:
    """The request shows it, and so does the query."""
    query = Site.objects.using(session).filter(title__contains="day")

    assert "title__contains=day" in str(query.explain())
    assert "title__contains='day'" in repr(query)


def test_updates_what_it_finds(session: CannedSession) -> None:
    """Rows that hold it are written."""
    done = Site.objects.using(session).filter(title__contains="day").update(title="A day")

    assert [1, 3] == done.pks


def test_deletes_what_it_finds(session: CannedSession) -> None:
    """Rows that hold it are deleted."""
    assert [1, 3] == Site.objects.using(session).filter(title__contains="day").delete().pks


def test_proves_that_a_backend_ignores_it() -> None:
    """A row that does not hold it stops the write before anything is sent."""
    session = canned({"GET projects/": page({"id": 2, "title": "Night"})})

    with pytest.raises(QueryError, match="ignored title__contains='day'"):
        Site.objects.using(session).filter(title__contains="day").delete()


def test_without_holds_is_counted(session: CannedSession) -> None:
    """Nothing is concluded from another value of it; that it leaves rows out has to do."""
    assert [1, 3] == Site.objects.using(session).filter(title__not="Night").delete().pks
    with pytest.raises(QueryError, match="leaves out no Site"):
        Site.objects.using(session).filter(title__not="Noon").delete()


def test_is_gone_on_with(session: CannedSession) -> None:
    """A checkpoint of its query is taken up by the same query, and by no other."""
    query = Site.objects.using(session).filter(title__contains="day")
    rows = query.iterator()
    next(rows)

    assert [3] == [site.id for site in query.resume(rows.checkpoint)]
    with pytest.raises(QueryError, match="another query"):
        Site.objects.using(session).filter(title__contains="sun").resume(rows.checkpoint)


def test_is_asked_for_once(session: CannedSession) -> None:
    """Two values of one lookup cannot be joined unless it says how."""
    query = Site.objects.using(session).filter(title__contains="day")

    with pytest.raises(QueryError, match="give one of them"):
        query.filter(title__contains="sun")
