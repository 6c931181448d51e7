"""Every declared lookup really narrows what the backend answers."""

from __future__ import annotations

import pytest

from synapse import Assignment, Task
from synapse.orm import filter_proof
from synapse.sandbox import Sandbox
from tests.contract.conftest import connected
from tests.contract.factory import Factory
from tests.contract.lookup_world import FIRST, VALUES, key_of, matching_and_not, queries_of, side

CASES = [
    pytest.param(cls, spelling, id=f"{cls.__name__}.{spelling}")
    for cls in FIRST
    for spelling in cls._catalog.spellings()
]


@pytest.fixture(scope="module")
def sides(tables):
    """Two rows of every entity, told apart by every lookup; the asked-for one is younger."""
    make = Factory(tables, tables.Tenant.objects.get(code="stranger"))
    b = side(make, first=False)
    return side(make, first=True), b


@pytest.fixture(scope="module")
def elsewhere(box: Sandbox):
    """A session of the workspace that the two rows are in."""
    session = connected(box, "stranger")
    yield session
    session.close()


class TestLookups:
    @pytest.mark.parametrize(("cls", "spelling"), CASES)
    def test_narrows(self, elsewhere, sides, cls, spelling):
        """A value that one row meets gives it and not the other; a value that it does not meet leaves it out."""
        a, b = sides
        meets, misses = matching_and_not(cls, spelling, a, b)
        mine, other = key_of(a, cls), key_of(b, cls)
        keys = queries_of(cls, spelling, elsewhere).values_list("pk", flat=True)

        found, missed = set(keys.filter(**{spelling: meets})), set(keys.filter(**{spelling: misses}))

        assert mine in found and mine not in missed
        assert other not in found or spelling.endswith(("__lt", "__lte")) or spelling in PRESENCE

    @pytest.mark.parametrize(("cls", "spelling"), CASES)
    def test_is_proven_to_be_heard(self, elsewhere, sides, cls, spelling):
        """Asked for the contrary of each lookup, the backend gives none of the same rows."""
        meets, _ = matching_and_not(cls, spelling, *sides)
        query = queries_of(cls, spelling, elsewhere).filter(**{spelling: meets})
        rows = list(query)

        filter_proof.check_heeded(query, query.query.where, rows=rows)

        assert rows and query.query.where

    def test_every_lookup_has_a_value(self):
        """A lookup that is declared later must be given values here."""
        declared = {cls: set(cls._catalog.lookups) for cls in FIRST}

        assert {cls: set(values) for cls, values in VALUES.items()} == declared


PRESENCE = {"has_assignment"}


class TestPresence:
    def test_has_assignment(self, elsewhere, sides, tables):
        """Tasks with and without assignments are told apart."""
        bare = Factory(tables, tables.Tenant.objects.get(code="stranger")).task()
        keys = Task.objects.using(elsewhere).values_list("pk", flat=True)

        with_one = set(keys.filter(has_assignment=True))
        without = set(keys.filter(has_assignment=False))

        assert (True, False) == (sides[0].task.pk in with_one, bare.pk in with_one)
        assert (False, True) == (sides[0].task.pk in without, bare.pk in without)


class TestTogether:
    def test_lookups_add_up(self, elsewhere, sides):
        """Two lookups keep the rows that meet both."""
        a, b = sides
        asked = Assignment.objects.using(elsewhere).filter(project=a.project.pk)

        assert ([a.assignment.pk], []) == (
            [row.id for row in asked.filter(users=a.user.pk)],
            [row.id for row in asked.filter(users=b.user.pk)],
        )

    def test_a_row_is_given_once_however_often_it_matches(self, elsewhere, sides, tables):
        """Several related rows that match do not double the row."""
        task = sides[0].task
        tags = [
            task.tags.first(),
            *(tables.TaskTag.objects.create(project=task.project, name=n) for n in "xy"),
        ]
        task.tags.set(tags)

        found = Task.objects.using(elsewhere).filter(tags__in=[tag.pk for tag in tags])

        assert [task.pk] == [row.id for row in found]
