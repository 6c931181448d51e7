"""Objects are found by the names that people give them, compared letter by letter."""

from __future__ import annotations

import pytest

from synapse import (
    DataCollection,
    GroundTruthDataset,
    GroundTruthVersion,
    Model,
    Plugin,
    Project,
    QueryError,
    Storage,
    TaskTag,
)
from synapse.orm import finding
from synapse.testing import assert_requests

NAMES = ["Street signs", "도로 표지판", "a, b", 'the "best"', "100 % & more?", "x" * 100]


def test_finds_a_project_by_its_title(session, make):
    """One request of a list, and the row of that title."""
    made = make.project(title="Street signs")
    make.project(title="Street signs 2")

    with assert_requests(1):
        found = Project.objects.get(title="Street signs")

    assert (made.pk, "Street signs") == (found.id, found.title)


@pytest.mark.parametrize("name", NAMES)
def test_creates_once(session, name):
    """A script that runs twice makes nothing twice, whatever the name holds."""
    made = [DataCollection.objects.get_or_create({"category": "image"}, name=name) for _ in range(2)]

    assert [True, False] == [flag for _, flag in made]
    assert made[0][0] == made[1][0]


def test_changes_the_one_of_the_name(session, make):
    """`update_or_create()` finds it the same way."""
    made = make.project(title="Signs to change")
    found, created = Project.objects.update_or_create({"description": "wet"}, title="Signs to change")

    made.refresh_from_db()
    assert (made.pk, False, "wet") == (found.id, created, made.description)


def test_every_kind_that_has_a_name_is_found_by_it(session, make):
    """Collections, datasets, versions, storages, models, plugins and tags."""
    dataset, tag = make.dataset(name="Set 1"), make.tag(name="night")
    plugin = make.plugin(code="find-me", name="Finder")
    version = GroundTruthDataset.ref(dataset.pk).freeze("1.0")
    storage = Storage.objects.create(name="Shelf", provider="file_system", configuration={"location": "/x"})
    model = Model.objects.create(name="Net", plugin=None)

    found = [
        GroundTruthDataset.objects.get(name="Set 1").pk == dataset.pk,
        GroundTruthVersion.objects.get(ground_truth_dataset=dataset.pk, version="1.0") == version,
        Storage.objects.get(name="Shelf") == storage,
        Model.objects.get(name="Net") == model,
        Plugin.objects.get(code="find-me").pk == Plugin.objects.get(name="Finder").pk == plugin.pk,
        TaskTag.objects.get(name="night", project=tag.project_id).pk == tag.pk,
    ]
    assert [True] * 6 == found


def test_names_the_nearest_where_there_is_none(session, make):
    """`DoesNotExist` has the name that may have been meant."""
    make.project(title="Nearly this")

    with pytest.raises(
        Project.DoesNotExist, match=r"no Project with title='Nearly thsi' \(did you mean 'Nearly this'\?\)"
    ):
        Project.objects.get(title="Nearly thsi")


def test_names_the_keys_where_there_are_several(session, make):
    """Two of one name are told apart by their keys."""
    keys = [make.project(title="Twins").pk for _ in range(2)]

    with pytest.raises(
        Project.MultipleObjectsReturned,
        match=f"2 Project with title='Twins', of the keys {keys[0]}, {keys[1]}",
    ):
        Project.objects.get(title="Twins")


def test_other_lookups_narrow_what_is_compared(session, make):
    """The rest of the lookups goes to the backend."""
    one, other = (make.project(title="Same title", category=each) for each in ("image", "text"))

    assert other.pk == Project.objects.get(title="Same title", category="text").id
    assert one.pk == Project.objects.filter(category="image").get(title="Same title").id


def test_is_refused_where_there_is_too_much_to_compare(session, make, monkeypatch):
    """A list that is too long says what to do, and nothing is created."""
    monkeypatch.setattr(finding, "MOST", 2)
    collection = make.collection()
    for _ in range(3):
        make.project(data_collection=collection)

    with pytest.raises(
        QueryError, match=r"at most 2 rows.*filter further \(category=..., data_collection=...\)"
    ) as caught:
        Project.objects.get_or_create({"category": "image"}, title="One more", data_collection=collection.pk)

    assert "too-many-to-compare" == caught.value.code
    assert 3 == Project.objects.filter(data_collection=collection.pk).count()


def test_filter_says_what_to_type_instead(session):
    """A name is no lookup of lists."""
    with pytest.raises(QueryError, match=r"get\(title=\.\.\.\) finds one by its title"):
        Project.objects.filter(title="x")


@pytest.mark.parametrize("title", ["", " ", " x", "x\n", 5, None, ["x"]])
def test_what_can_be_no_name_is_refused(session, title):
    """Before anything is sent: the backend takes blanks off, so such a name would never be found."""
    with assert_requests(0), pytest.raises(QueryError):
        Project.objects.get(title=title)
