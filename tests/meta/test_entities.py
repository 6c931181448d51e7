"""Every entity is whole: its names meet, its objects travel, and the wire knows what it declares."""

from __future__ import annotations

import copy
import inspect
import pickle

from collections.abc import Callable, Iterator
from typing import Any, Final, get_args, get_type_hints

import pytest

import synapse

from synapse.dialects import V1, V2, v2_rows
from synapse.dialects.v1 import key_of, names_of
from synapse.dialects.v1_rows import ROWS
from synapse.mapping.codecs import split_optional
from synapse.orm import Entity, Manager, QuerySet, ToMany, ToOne
from synapse.orm.record import entity_named, reference
from synapse.query import By, Condition

ENTITIES: Final[list[type[Entity]]] = [
    value
    for value in (getattr(synapse, name) for name in synapse.__all__)
    if inspect.isclass(value) and issubclass(value, Entity)
]
FIRST: Final = [cls for cls in ENTITIES if cls._schema.resource in ROWS]
SECOND: Final = [cls for cls in ENTITIES if cls._schema.resource in v2_rows.ROWS]
COPIES: Final[dict[str, Callable[[Any], Any]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}
MOMENT_KEYS: Final = ("gt", "gte", "lt", "lte")
ID_KEYS: Final = {"id", "id__in", "ids", "ids_ex", *(f"id__{each}" for each in MOMENT_KEYS)}


def _moments(*names: str) -> set[str]:
    return {f"{name}__{each}" for name in names for each in MOMENT_KEYS}


# The query keys that wire v1 documents; the backend ignores every other one, and answers with everything.
KNOWN_KEYS: Final[dict[str, set[str]]] = {
    "sdk/tasks/": {
        *ID_KEYS, "project", "is_discarded", "schema", "has_assignment", "has_reached_max_assignments", "status_label",
        "status_review", "assignments", "labelers", "reviewers", "groups", "stages", "workshops", "tags",
        "assignments__is_discarded", "search", *_moments("created"),
    },
    "sdk/assignments/": {
        *ID_KEYS, "project", "workshop", "tasks", "users", "reviewers", "groups", "stages", "tags", "task_tags",
        "status_label", "status_review", "is_discarded", "is_discard_confirmed", "is_confirmed", "search",
        *_moments("created", "label_submitted", "last_labeled", "last_reviewed", "labeler_last_action_at",
                  "reviewer_last_action_at"),
    },
    "sdk/ground_truth_events/": {
        "ground_truth", "ground_truth_dataset_versions", "category", "categories", "classes", "task",
    },
    "ground_truths/": {
        "ground_truth_dataset", "ground_truth_dataset_versions", "task", "id", "category", "categories", "classes",
    },
    "ground_truth_dataset_versions/": {"ground_truth_dataset", "is_archived"},
    "ground_truth_datasets/": set(),
    "task_tags/": {"project", "search", "category"},
    "projects/": {"category", "data_collection"},
    "data_collections/": {"category"},
    "data_units/": {"data_collection", "can_generate_task"},
    "data_files/": {"checksum", "data_collection"},
    "plugins/": {"category", "is_active"},
    "plugin_releases/": {"plugin", "debug"},
    "jobs/": {"status", "agent", "plugin", "action"},
    "logs/": {"job"},
    "serve_applications/": {"plugin_code", "job__agent"},
    "agents/": {"id"},
    "storages/": {"category"},
    "models/": {"is_released"},
}  # fmt: skip

# Those that wire v2 documents, and ignores otherwise as well; what lies below an object has its key in the path.
SECOND_KEYS: Final[dict[str, set[str]]] = {
    "v2/projects/": {"category", "data_collection"},
    "v2/projects/{}/tags/": {"category"},
    "v2/projects/{}/review-tags/": {"name"},
    "v2/tasks/": {"has_data", "is_discarded", "project", "schema"},
    "v2/assignments/": {
        *(ID_KEYS - {"ids", "ids_ex"}), "project", "workshop", "tasks", "users", "reviewers", "groups", "stages",
        "tags", "task_tags", "status_label", "status_review", "is_discarded", "is_discard_confirmed", "is_confirmed",
        *_moments("created", "label_submitted", "last_labeled", "last_reviewed", "labeler_last_action_at",
                  "reviewer_last_action_at"),
    },
    "v2/reviews/": {"assignment", "scope"},
    "v2/data-collections/": {"category"},
    "v2/data-collections/{}/groups/": set(),
    "v2/data-units/": {"data_collection"},
    "v2/data-files/": {"checksum", "data_collection"},
    "v2/ground-truth-datasets/": {"project"},
    "v2/ground-truth-datasets/{}/versions/": set(),
    "v2/ground-truths/": {"ground_truth_dataset", "task", "id", "category", "categories", "classes"},
    "v2/ground-truth-events/": {
        "ground_truth_dataset", "ground_truth_dataset_version", "pgh_obj_id__in", "project",
    },
    "v2/plugins/": {"category", "is_active"},
    "v2/plugin-releases/": {"plugin", "debug"},
    "v2/jobs/": {"status", "action"},
    "v2/job-logs/": {"job", "event", "level"},
    "v2/models/": {"is_released"},
    "v2/experiments/": set(),
    "v2/trains/": {
        "created_after", "created_before", "dataset", "experiment", "has_model", "job__status", "search",
    },
    "v2/uploads/": {
        "created_after", "created_before", "data_collection", "job__action", "job__status", "project", "storage",
    },
    "v2/exports/": {"created_after", "created_before", "job__status", "project", "storage", "target"},
    "v2/async_jobs/": {"ids", "ids_ex", "ids_lookup", "search", "triggered_by"},
}  # fmt: skip


def lookups() -> Iterator[tuple[type[Entity], str, Any]]:
    """Yield each entity of the first generation with each lookup that it declares."""
    for cls in FIRST:
        for name, by in cls.lookups.items():
            for lookup in by.lookups:
                yield cls, name, lookup


def relations(kind: type) -> Iterator[Any]:
    """Yield each entity with each of its relations of a kind."""
    for cls in ENTITIES:
        for name, value in vars(cls).items():
            if isinstance(value, kind):
                yield pytest.param(cls, value, id=f"{cls.__name__}-{name}")


def new(cls: type[Entity]) -> Entity:
    """Make an object as if it had been loaded, with one field edited."""
    made = reference(cls, "a" if cls in (synapse.Job, synapse.AsyncJob) else 1)
    for field in cls._schema.fields.values():
        if field.codec.accept.__name__ == "_accept_text" and not field.read_only:
            setattr(made, field.name, "edited")
            break
    return made


def test_there_are_entities() -> None:
    """The checks below have something to check."""
    assert 18 <= len(ENTITIES)


@pytest.mark.parametrize("cls", ENTITIES)
class TestEachEntity:
    def test_travels_by_some_generation(self, cls: type[Entity]) -> None:
        """Without a row in a dialect it could not."""
        assert cls in (*FIRST, *SECOND)

    def test_can_be_found_by_its_name(self, cls: type[Entity]) -> None:
        """Relations name each other."""
        assert cls is entity_named(cls.__name__)

    def test_has_the_types_of_all_its_lookups(self, cls: type[Entity]) -> None:
        """So that every value is checked before it travels."""
        assert set(cls.lookups) == set(cls._catalog.kinds)
        assert all(isinstance(by, By) and by.lookups for by in cls.lookups.values())

    def test_is_ordered_by_fields_that_it_has(self, cls: type[Entity]) -> None:
        """Else the rows of a split query could not be sorted here."""
        assert set() == set(cls._catalog.order_by) - set(cls._schema.fields)

    @pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
    def test_its_objects_travel_with_their_edits(
        self, cls: type[Entity], travel: Callable[[Any], Any]
    ) -> None:
        """A copy is the same object with the same changes."""
        made = new(cls)
        again = travel(made)

        assert (type(made), made.pk, made.changes) == (type(again), again.pk, again.changes)
        assert made == again

    @pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
    def test_its_copies_live_on_their_own(self, cls: type[Entity], travel: Callable[[Any], Any]) -> None:
        """What happens to one does not happen to the other."""
        made = new(cls)
        again = travel(made)
        again._state.deleted = True
        again._state.before["x"] = 1

        assert (False, True) == (made._state.deleted, "x" not in made._state.before)

    @pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
    def test_its_queries_travel(self, cls: type[Entity], travel: Callable[[Any], Any]) -> None:
        """Without their session, and with the verbs of their manager."""
        asked = cls.objects.params(raw="1").order_by(*cls._catalog.order_by)[2:5]
        again = travel(asked)

        assert (asked.query, type(asked), cls) == (again.query, type(again), again.entity)

    def test_its_errors_travel(self, cls: type[Entity]) -> None:
        """They are found again by the entity's name."""
        missing, several = cls.DoesNotExist("no", status_code=404), cls.MultipleObjectsReturned("two")

        assert [cls.DoesNotExist, cls.MultipleObjectsReturned] == [
            type(pickle.loads(pickle.dumps(each))) for each in (missing, several)
        ]

    def test_hangs_on_the_session(self, cls: type[Entity]) -> None:
        """Every manager is there by plural name, and typed."""
        session = synapse.Session("http://127.0.0.1:9", api_token="syn_x")
        found = [
            getattr(session, name)
            for name, value in vars(synapse.Session).items()
            if isinstance(value, property)
        ]

        assert [cls.objects.__class__] == [type(each) for each in found if each.entity is cls]
        assert isinstance(cls.objects, Manager | QuerySet)

    def test_its_methods_are_documented(self, cls: type[Entity]) -> None:
        """Those of its manager as well."""
        owners = (cls, type(cls.objects))
        names = [
            (owner, name)
            for owner in owners
            for name, value in vars(owner).items()
            if inspect.isfunction(value)
        ]

        assert [] == [
            name for owner, name in names if not name.startswith("_") and not getattr(owner, name).__doc__
        ]


@pytest.mark.parametrize("cls", FIRST)
class TestEachEntityOfTheFirstGeneration:
    def test_has_a_row_in_the_dialect(self, cls: type[Entity]) -> None:
        """Without one it could not travel."""
        assert V1().table(cls._schema, cls._catalog).wire is ROWS[cls._schema.resource]

    def test_names_no_field_twice_on_the_wire(self, cls: type[Entity]) -> None:
        """One of two would be lost."""
        names = names_of(cls._schema)

        assert len(set(names.values())) == len(names)

    def test_renames_fields_that_it_has(self, cls: type[Entity]) -> None:
        """The dialect's row and the declaration speak of the same fields."""
        row = ROWS[cls._schema.resource]

        assert set() == {*row.names, *row.light, *row.asks, *row.always} - set(cls._schema.fields)

    def test_nests_relations_that_it_has(self, cls: type[Entity]) -> None:
        """What the wire can expand is a relation here."""
        assert set() == set(ROWS[cls._schema.resource].expand) - {
            *cls._schema.relations,
            *cls._schema.to_many,
        }

    def test_keys_of_its_row_are_lookups_of_its_own(self, cls: type[Entity]) -> None:
        """No encoding is left over from a lookup that is gone."""
        offered = {f"{name}__{each.name}" for name, by in cls.lookups.items() for each in by.lookups}

        assert set() == set(ROWS[cls._schema.resource].keys) - offered


@pytest.mark.parametrize("cls", SECOND)
class TestEachEntityOfTheSecondGeneration:
    def test_has_a_row_in_the_dialect(self, cls: type[Entity]) -> None:
        """Without one it could not travel."""
        assert V2().table(cls._schema, cls._catalog).wire is v2_rows.ROWS[cls._schema.resource]

    def test_is_told_of_as_alone_where_it_is(self, cls: type[Entity]) -> None:
        """Refusals send nobody to a generation that lacks the entity."""
        assert (cls._schema.resource in v2_rows.ALONE) is (cls not in FIRST)

    def test_names_no_field_twice_on_the_wire(self, cls: type[Entity]) -> None:
        """One of two that rows carry would be lost."""
        table = V2().table(cls._schema, cls._catalog)
        names = [table.names[name] for name in table.wire.shown]

        assert len(set(names)) == len(names)

    def test_speaks_of_fields_that_it_has(self, cls: type[Entity]) -> None:
        """The dialect's row and the declaration know the same ones."""
        row = v2_rows.ROWS[cls._schema.resource]
        spoken = {*row.shown, *row.names, *row.writes, *row.creates, *row.changes, *row.needs}

        assert set() == spoken - set(cls._schema.fields)

    def test_nests_relations_that_it_has(self, cls: type[Entity]) -> None:
        """What details nest stands in the place of a relation's key, and parents are relations."""
        row = v2_rows.ROWS[cls._schema.resource]

        assert set() == set(row.nests) - set(cls._schema.relations)
        assert not row.below or row.below in cls._schema.relations.values()

    def test_sends_keys_that_the_wire_documents(self, cls: type[Entity]) -> None:
        """An unknown one is silently ignored by the backend, which then answers with everything."""
        row = v2_rows.ROWS[cls._schema.resource]

        assert set(row.filters.values()) <= SECOND_KEYS[row.path]

    def test_is_ordered_as_it_declares(self, cls: type[Entity]) -> None:
        """An order that nobody can name is of no use."""
        assert set() == set(v2_rows.ROWS[cls._schema.resource].orders) - set(cls._catalog.order_by)


def test_every_lookup_has_a_key_that_the_wire_documents() -> None:
    """An unknown key is silently ignored by the backend, which then answers with everything."""
    for cls, name, lookup in lookups():
        key, row = key_of(cls._schema, Condition(name, lookup, 1)), ROWS[cls._schema.resource]

        assert (key.name in KNOWN_KEYS[row.lists]) == (name not in row.lacks), f"{cls.__name__}.{name}"


def test_every_lookup_that_the_first_wire_lacks_is_one_of_the_second() -> None:
    """What no API has is no lookup."""
    for resource, row in ROWS.items():
        assert set(row.lacks) <= set(v2_rows.ROWS[resource].filters) if row.lacks else True


@pytest.mark.parametrize(("cls", "one"), list(relations(ToOne)))
def test_every_link_to_one_meets_its_entity_and_its_key(cls: type[Entity], one: ToOne[Any]) -> None:
    """The target exists, and the key is a field of the owner."""
    assert issubclass(entity_named(one.target), Entity)
    assert one.via in cls._schema.fields


@pytest.mark.parametrize(("cls", "one"), list(relations(ToOne)))
def test_every_link_to_one_may_be_none_just_when_its_key_may(cls: type[Entity], one: ToOne[Any]) -> None:
    """Type checkers are told the truth about both."""
    (argument,) = get_args(one.__orig_class__)  # type: ignore[attr-defined]
    may_be_none = "None" in getattr(argument, "__forward_arg__", "")

    assert may_be_none == split_optional(get_type_hints(cls)[one.via])[1]


@pytest.mark.parametrize(("cls", "many"), list(relations(ToMany)))
def test_every_link_to_many_is_a_lookup_of_its_target(cls: type[Entity], many: ToMany[Any]) -> None:
    """It is asked by that lookup, which takes the owner."""
    target = entity_named(many.target)

    assert many.by in target.lookups
    assert cls.__name__ == target._catalog.kinds[many.by].to  # type: ignore[attr-defined]
