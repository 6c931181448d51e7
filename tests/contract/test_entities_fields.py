"""Every entity: its fields, its relations both ways, and its life from creation to deletion."""

from __future__ import annotations

import pickle

import pytest

import synapse

from synapse import QueryError, Session
from synapse.orm.record import entity_named
from synapse.testing import assert_requests
from tests.contract.conftest import connected
from tests.contract.factory import Factory
from tests.contract.lookup_world import FIRST, ROWS, as_key, key_of, side

NAMES = {each.__name__: each for each in FIRST}
TO_ONE = [(cls, name) for cls in FIRST for name in cls._schema.relations]
TO_MANY = [
    (cls, name)
    for cls in FIRST
    for name, many in cls._schema.to_many.items()
    if entity_named(many.target.removesuffix("Manager")) in FIRST
]
# What the backend takes in one form and stores in another.
STORED_OTHERWISE = {
    *("plugin", "checkpoint", "chunked_upload", "groups", "files", "file", "file_specifications"),
    *("user", "reviewer"),
}


@pytest.fixture(scope="module")
def one(tables):
    """A row of every entity, linked to one another."""
    return side(Factory(tables, tables.Tenant.objects.get(code="stranger")), first=True)


@pytest.fixture(scope="module")
def home(box):
    """A session of the workspace of these rows."""
    session = connected(box, "stranger")
    yield session
    session.close()


def found(home: Session, one, cls):
    """Read the row of an entity the way that it can be found."""
    rows = cls.objects.using(home)
    if cls is synapse.GroundTruthEvent:
        return rows.filter(ground_truth=one.truth.pk).first()
    return rows.get(key_of(one, cls))


class TestFields:
    @pytest.mark.parametrize("cls", FIRST, ids=NAMES)
    def test_every_field_can_be_read(self, home, one, cls):
        """No declared field is unknown to the backend, whether the row carried it or not."""
        row = found(home, one, cls)

        values = {name: getattr(row, name) for name in cls._schema.fields}

        assert key_of(one, cls) == values[cls._schema.pk] == row.pk
        assert {name for name in values if not cls._schema.fields[name].write_only} <= set(row.to_dict())

    @pytest.mark.parametrize("cls", FIRST, ids=NAMES)
    def test_lists_carry_the_same_values(self, home, one, cls):
        """A row of a list and the row alone agree on every field."""
        alone = found(home, one, cls)
        listed = next(row for row in cls.objects.using(home) if row.pk == alone.pk)

        assert {name: repr(getattr(alone, name)) for name in cls._schema.fields} == {
            name: repr(getattr(listed, name)) for name in cls._schema.fields
        }

    @pytest.mark.parametrize("cls", FIRST, ids=NAMES)
    def test_writable_fields_hold_what_is_stored(self, home, one, cls):
        """What can be written reads as the column of the table."""
        row, stored = found(home, one, cls), getattr(one, ROWS[cls])
        writable = [name for name, field in cls._schema.fields.items() if not field.read_only]
        names = [name for name in writable if name not in STORED_OTHERWISE]

        assert {name: as_key(getattr(stored, name)) for name in names} == {
            name: getattr(row, name) for name in names
        }

    @pytest.mark.parametrize("cls", FIRST, ids=NAMES)
    def test_reading_changes_nothing(self, home, one, cls):
        """Looking at every field leaves nothing to save."""
        row = found(home, one, cls)
        for name in cls._schema.fields:
            getattr(row, name)

        with assert_requests(0, session=home):
            row.save()

        assert {} == row.changes

    @pytest.mark.parametrize("cls", FIRST, ids=NAMES)
    def test_pickles_without_its_session(self, home, one, cls):
        """A row survives a pickle, and goes on through the current session."""
        row = found(home, one, cls)
        secrets = {name for name, field in cls._schema.fields.items() if field.secret}

        again = pickle.loads(pickle.dumps(row))

        kept = {name: value for name, value in row.to_dict().items() if name not in secrets}
        assert (None, repr(kept)) == (again._state.session, repr(again.to_dict()))


class TestRelations:
    @pytest.mark.parametrize(("cls", "name"), TO_ONE, ids=[f"{cls.__name__}.{name}" for cls, name in TO_ONE])
    def test_to_one_gives_the_object(self, home, one, cls, name):
        """The object on the other side is the one that the key names."""
        row = found(home, one, cls)

        target = getattr(row, name)

        assert target.pk == getattr(row, cls._schema.relations[name]) == key_of(one, type(target))

    @pytest.mark.parametrize(
        ("cls", "name"), TO_MANY, ids=[f"{cls.__name__}.{name}" for cls, name in TO_MANY]
    )
    def test_to_many_gives_the_objects_that_point_here(self, home, one, cls, name):
        """The query on the other side holds the linked row."""
        row = found(home, one, cls)
        target = NAMES[getattr(cls, name).target]

        assert [key_of(one, target)] == [each.pk for each in getattr(row, name)]


BY_HAND = {
    synapse.Project: lambda one: {"title": "t", "category": "image", "data_collection_id": one.collection.pk},
    synapse.DataCollection: lambda one: {"name": "n", "category": "text"},
    synapse.TaskTag: lambda one: {"name": "n", "project_id": one.project.pk},
    synapse.Assignment: lambda one: {"task_id": one.task.pk, "data": {"a": 1}},
    synapse.GroundTruthDataset: lambda one: {"name": "n"},
    synapse.GroundTruth: lambda one: {"ground_truth_dataset_id": one.dataset.pk, "data_unit_id": one.unit.pk},
    synapse.GroundTruthVersion: lambda one: {"ground_truth_dataset_id": one.dataset.pk, "version": "life"},
    synapse.Plugin: lambda one: {"code": "by-hand", "name": "n", "category": "custom"},
    synapse.Storage: lambda one: {"name": "n", "provider": "minio", "configuration": {"bucket_name": "b"}},
    synapse.Model: lambda one: {"name": "n"},
    synapse.Agent: lambda one: {"name": "n"},
    synapse.ServeApplication: lambda one: {"job_id": str(one.job.pk), "status": "RUNNING"},
}
CHANGES = {
    synapse.Project: {"title": "새 이름", "settings": {"a": [1]}},
    synapse.DataCollection: {"name": "새 이름", "meta": {"a": 1}, "is_archived": True},
    synapse.TaskTag: {"name": "새 이름", "meta": {"a": 1}},
    synapse.Assignment: {"status_label": synapse.StatusLabel.COMPLETED, "data": None},
    synapse.GroundTruthDataset: {"description": "d"},
    synapse.GroundTruth: {"classes": ["사과"], "category": synapse.Split.TEST},
    synapse.GroundTruthVersion: {"is_archived": True},
    synapse.Plugin: {"name": "새 이름", "detail": {"a": 1}},
    synapse.Storage: {"name": "새 이름", "configuration": {"bucket_name": "c"}},
    synapse.Model: {"name": "새 이름", "configuration": {"a": 1}},
    synapse.Agent: {"name": "새 이름", "url": "http://127.0.0.1:1"},
    synapse.ServeApplication: {"status": synapse.ServeStatus.UNHEALTHY, "data": {"a": 1}},
}


class TestLife:
    @pytest.mark.parametrize("cls", BY_HAND, ids=lambda cls: cls.__name__)
    def test_created_changed_and_deleted(self, home, one, cls):
        """An object is created, found as it was made, changed, found as it was changed, and gone."""
        values, changes = BY_HAND[cls](one), CHANGES[cls]
        made = cls.objects.using(home).create(**values)
        rows = cls.objects.using(home)
        assert values == {name: getattr(rows.get(made.pk), name) for name in values}

        for name, value in changes.items():
            setattr(made, name, value)
        made.save()
        assert changes == {name: getattr(rows.get(made.pk), name) for name in changes}

        made.delete()
        with pytest.raises(cls.DoesNotExist):
            rows.get(made.pk)

    @pytest.mark.parametrize("cls", [cls for cls in FIRST if cls._made_by], ids=lambda cls: cls.__name__)
    @pytest.mark.parametrize("how", ["create", "save", "bulk_create"])
    def test_made_by_a_verb_only(self, home, cls, how):
        """What only a verb can make says which, and nothing is sent."""
        ways = {
            "create": lambda: cls.objects.using(home).create(),
            "save": lambda: cls().save(),
            "bulk_create": lambda: cls.objects.using(home).bulk_create([cls()]),
        }

        with assert_requests(0, session=home), home, pytest.raises(QueryError, match="is made by"):
            ways[how]()
