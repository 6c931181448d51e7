"""What is said of lookups that people know from Django."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import Assignment, Project, QueryError, Task, TaskTag

SAID = {
    "created__year": "created__gte='2026-01-01', created__lt='2027-01-01' is that year",
    "created__year__gte": "bound it by its ends, such as created__gte=",
    "created__date": "bound it by its ends, such as created__gte=",
    "created__range": "created__gte=low, created__lte=high is the same",
    "meta__label": "[row for row in query if row.meta['label'] == ...] chooses here",
    "data__isnull": "the backend cannot be asked for null; [row for row in query if row.data is None]",
    "project__title": "relations are not followed in filters; find the Project first, then project=<its key>",
    "tags__name": "find the TaskTag first, then tags=<its key>, or tags__in=[...]",
    "project__in": "the backend takes one project at a time; run a query for each",
    "project__pk__in": "the backend takes one project at a time",
    "data_unit": "[row for row in query if row.data_unit == ...] chooses here",
    "data_unit__meta": "relations are not followed in filters, and data_unit is no lookup",
    "count_assignments__gt": "row.count_assignments > ...",
    "id__ne": "exclude(id=...) leaves rows out",
    "schema__ne": "row.schema != ...",
    "name__icontains": "search='...' searches texts",
    "creatd": "(did you mean 'created__lt'?)",
}


@pytest.mark.parametrize(("spelling", "said"), SAID.items(), ids=SAID)
def test_a_lookup_that_is_not_there_leads_on(spelling: str, said: str) -> None:
    """It says what to type, in the words of this query."""
    with pytest.raises(QueryError) as caught:
        Task.objects.filter(**{spelling: 2026})

    assert said in str(caught.value)


def test_an_entity_without_search_is_searched_here() -> None:
    """And no field is named that the entity does not have."""
    with pytest.raises(
        QueryError, match=r"'title__icontains': \[row for row in query if ... in row.title.lower\(\)\]"
    ):
        Project.objects.filter(title__icontains="x")
    with pytest.raises(QueryError, match=r"'nope__icontains'. Lookups"):
        Project.objects.filter(nope__icontains="x")


@pytest.mark.parametrize("cls", [Task, TaskTag, Assignment])
@pytest.mark.parametrize("suffix", ["id", "pk"])
def test_the_key_of_a_related_object_is_asked_for(cls: Any, suffix: str) -> None:
    """By either name, in `filter()` and where there is one in `exclude()`."""
    assert cls.objects.filter(project=1).query == cls.objects.filter(**{f"project__{suffix}": 1}).query


def test_several_keys_of_related_objects_are_asked_for() -> None:
    """Where the wire takes several."""
    assert Task.objects.filter(tags__in=[1, 2]).query == Task.objects.filter(tags__id__in=[1, 2]).query
