"""What an entity is, without any backend."""

from __future__ import annotations

import copy
import pickle

from typing import Any

import attrs
import pytest

from synapse import (
    Agent,
    DataCollection,
    FieldError,
    MappingError,
    NotFoundError,
    Project,
    QueryError,
    Session,
    Storage,
    Task,
    TaskTag,
)
from synapse.mapping import read_only
from synapse.orm import Entity, ManagedBy, Manager, entity, hints
from synapse.orm.entity import kind_of
from synapse.query import EXACT
from synapse.testing import canned

ROW = {"id": 7, "project": 1, "data_unit": 2, "meta": {"a": [1]}, "is_discarded": False, "later": {"new": 1}}


@pytest.fixture
def task() -> Task:
    """A task as it was loaded."""
    return Task.objects.using(canned({"GET tasks/7/": ROW})).get(7)


def abroad(cls: Any, key: int, host: str = "https://abroad.invalid") -> Any:
    """An object of another backend."""
    made = cls.ref(key)
    made._state.session = Session(host, api_token="t")
    return made


class TestNew:
    def test_has_the_declared_defaults(self):
        """What was not given reads as its default, and is not a change."""
        new = TaskTag(project_id=1, name="n")

        assert ("", "project", {}, None, None) == (
            new.description,
            new.category,
            new.meta,
            new.id,
            new.created,
        )
        assert {"project_id", "name"} == set(new.changes) - {"meta"}

    def test_defaults_are_its_own(self):
        """Editing a default reaches no other object."""
        TaskTag(project_id=1, name="n").meta["x"] = 1

        assert {} == TaskTag(project_id=1, name="n").meta

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"project_id": 1}, "needs 'name'"),
            ({"project_id": 1, "nmae": "n"}, "did you mean 'name'"),
            ({"project_id": 1, "name": "n", "id": 5}, "no field 'id' that can be set"),
            ({"project_id": 1, "project": 1, "name": "n"}, "both 'project' and 'project_id'"),
            ({"project_id": "1", "name": "n"}, "expected an integer"),
            ({"project_id": 1, "name": None}, "cannot be None"),
        ],
    )
    def test_is_checked_at_once(self, values, said):
        """A value that does not fit is told where it is given."""
        with pytest.raises(MappingError, match=said):
            TaskTag(**values)


class TestEquality:
    def test_is_by_entity_and_key(self):
        """Two objects of one row are equal, and hash alike."""
        assert Task.ref(5) == Task.ref(5)
        assert 1 == len({Task.ref(5), Task.ref(5)})
        assert Task.ref(5) != TaskTag.ref(5)
        assert Task.ref(5) != 5

    @pytest.mark.parametrize("travel", [lambda each: each, lambda each: pickle.loads(pickle.dumps(each))])
    def test_is_by_backend_where_both_are_known(self, travel: Any):
        """Task 1 of one backend is not task 1 of another, though it hashes alike; a free reference may be either."""
        one, same, other = abroad(Task, 1), abroad(Task, 1), travel(abroad(Task, 1, "https://other.invalid"))

        assert one == same
        assert one != other
        assert one == Task.ref(1) == other
        assert hash(one) == hash(other)
        assert (2, True) == (len({one, other}), one not in [other])

    def test_goes_by_what_are_names_of_one_backend(self):
        """Two addresses of one backend have the same rows."""
        alias = Session("https://alias.invalid", api_token="t", aliases=["https://abroad.invalid"])
        one = Task.ref(1)
        one._state.session = alias

        assert one == abroad(Task, 1)

    def test_of_new_objects_is_identity(self):
        """Objects without a key are equal to themselves only, and have no hash."""
        new = Task(project_id=1, data_unit_id=1)

        assert new == new != Task(project_id=1, data_unit_id=1)
        with pytest.raises(TypeError, match="no key to hash by"):
            hash(new)


class TestNames:
    @pytest.mark.parametrize("name", ["nmae", "project_ids", "objets"])
    def test_that_are_not_declared_raise(self, task, name):
        """Neither reading nor writing takes a name that nobody declared."""
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(task, name)
        with pytest.raises(FieldError, match="nothing was set"):
            setattr(task, name, 1)

    def test_of_the_nearest_field_are_suggested(self, task):
        """The message helps."""
        with pytest.raises(FieldError, match="did you mean 'is_discarded'"):
            task.is_discard

    @pytest.mark.parametrize("make", [Task, Task.objects.create], ids=["Task", "create"])
    def test_as_arguments_are_a_type_error(self, make):
        """As Python says of arguments that a function does not have; the same error is one of ours."""
        with canned({}), pytest.raises(TypeError, match="did you mean 'project'") as caught:
            make(projct=1)

        assert isinstance(caught.value, FieldError)

    def test_that_libraries_probe_for_fail_at_once(self, task, monkeypatch):
        """Names of Python's own look for nothing near, and any name does so when its error is read."""
        monkeypatch.setattr(hints, "did_you_mean", lambda *_: pytest.fail("looked for a near name"))

        assert [False, False] == [hasattr(task, "__array__"), hasattr(task, "nosuch")]

    def test_of_a_malformed_row_are_not_missing(self):
        """`hasattr()` tells that a field is there, or why it cannot be read."""
        task = Task.objects.using(canned({"GET tasks/7/": {**ROW, "files": {"image_1": 5}}})).get(7)

        with pytest.raises(MappingError, match=r"Task\.files"):
            hasattr(task, "files")

    def test_queries_start_at_the_class(self, task):
        """`task.objects` would read as if it knew of the task."""
        with pytest.raises(AttributeError, match=r"Task\.objects"):
            task.objects

    def test_fields_cannot_be_deleted(self, task):
        """None clears; `del` does not."""
        with pytest.raises(AttributeError, match="assign None"):
            del task.meta

    def test_queries_of_a_relation_cannot_be_assigned(self, task):
        """A to-many relation is changed from the other side."""
        with pytest.raises(AttributeError):
            task.assignments = []

    def test_of_a_property_that_fails_is_not_denied(self, task, monkeypatch):
        """An `AttributeError` inside a property is told as it is, not as a name that is missing."""
        monkeypatch.setattr(Task, "broken", property(lambda self: [].get), raising=False)

        with pytest.raises(AttributeError, match="'list' object has no attribute 'get'"):
            task.broken

    def test_of_extra_values_are_a_copy(self, task):
        """What is edited in `.extra` reaches neither the object nor the cache."""
        task.extra["later"]["new"] = 2

        assert {"later": {"new": 1}} == task.extra


class TestShown:
    def test_shows_some_plain_fields(self, task):
        """The repr has the key and a few values, and fetches nothing."""
        assert "<Task 7 project_id=1 data_unit_id=2 is_discarded=False>" == repr(task)

    def test_cuts_long_text(self):
        """A long value does not fill the screen."""
        assert "<Project (new) title='" + "x" * 35 + "...' category='image'>" == repr(
            Project(title="x" * 100, category="image")
        )

    def test_hides_secrets(self):
        """Settings and tokens show as stars."""
        agent = Agent.objects.using(canned({"GET agents/1/": {"id": 1, "name": "a", "token": "abc"}})).get(1)

        assert "abc" not in repr(agent) and "token=***" in repr(agent)

    def test_an_agent_without_a_token_cannot_be_checked(self):
        """Some accounts do not see it."""
        agent = Agent.objects.using(canned({"GET agents/1/": {"id": 1, "name": "a", "token": None}})).get(1)

        with pytest.raises(QueryError, match="no token that this account may see"):
            agent.check()

    def test_keeps_what_it_does_not_know(self, task):
        """A key of a newer backend is in `extra`, as a copy."""
        task.extra["later"] = None

        assert {"later": {"new": 1}} == task.extra

    def test_gives_a_dict_of_what_is_loaded(self, task):
        """Deferred fields are left out."""
        assert {"id", "project_id", "data_unit_id", "meta", "is_discarded"} == set(task.to_dict())


EDITS: dict[str, Any] = {
    "a dict": lambda given: given["meta"].update(x=1),
    "inside of it": lambda given: given["meta"]["a"].append(9),
    "a list": lambda given: given["tags"].append(9),
    "files": lambda given: given["files"].clear(),
    "specifications": lambda given: given["file_specifications"][0].configuration.update(x=1),
    "settings": lambda given: given["configuration"].update(key="x"),
}
HOLDERS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "specifications": (
        DataCollection,
        "data_collections/1/",
        {"id": 1, "name": "c", "file_specifications": [{"name": "image_1", "file_type": "image"}]},
    ),
    "settings": (Storage, "storages/1/", {"id": 1, "name": "s", "configuration": {"key": "secret"}}),
}
TASK = (Task, "tasks/1/", {"id": 1, "meta": {"a": []}, "tags": [1], "files": {"image_1": {"url": "u"}}})


class TestHandedOut:
    @pytest.mark.parametrize("edit", EDITS)
    def test_dicts_are_copies(self, edit: str):
        """An edit of `to_dict()`, however deep, is none of the object."""
        cls, path, row = HOLDERS.get(edit, TASK)
        held = cls.objects.using(canned({f"GET {path}": row})).get(1)
        EDITS[edit](held.to_dict())

        assert (cls.objects.using(canned({f"GET {path}": row})).get(1).to_dict(), {}) == (
            held.to_dict(),
            held.changes,
        )

    def test_dicts_hide_settings_as_the_object_does(self):
        """A copy of a storage's settings shows no value either."""
        cls, path, row = HOLDERS["settings"]

        assert "secret" not in repr(cls.objects.using(canned({f"GET {path}": row})).get(1).to_dict())

    def test_changes_are_copies(self, task):
        """An edit of `changes` is not sent."""
        task.meta["b"] = [1]
        task.changes["meta"].pop("b")
        task.changes["meta"]["b"].append(2)

        assert {"meta": {"a": [1], "b": [1]}} == task.changes


class TestCopies:
    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
    def test_have_a_life_of_their_own(self, task, make):
        """What happens to a copy does not happen to the original."""
        twin = make(task)
        twin.meta["b"] = 1
        twin.is_discarded = True

        assert (task, {}) == (twin, task.changes)
        assert {"meta": {"a": [1], "b": 1}, "is_discarded": True} == twin.changes


class TestPickles:
    def test_keep_fields_and_changes(self, task):
        """An object arrives as it left, without its session and without what is no field of it."""
        task.meta["b"] = 1

        again = pickle.loads(pickle.dumps(task))

        assert (task, task.changes, {}, None) == (
            again,
            again.changes,
            again.extra,
            again._state.session,
        )

    def test_hold_no_secret(self):
        """Settings that were read stay behind, and are read anew where the object arrives."""
        row = {"id": 1, "name": "s", "provider": "minio", "configuration": {"secret_key": "hush"}}
        session = canned({"GET storages/1/": row})
        storage = Storage.objects.using(session).get(1)
        storage.configuration["secret_key"]

        pickled = pickle.dumps(storage)

        assert b"hush" not in pickled
        with session:
            assert {"secret_key": "hush"} == pickle.loads(pickled).configuration

    def test_of_an_unsaved_secret_are_refused(self):
        """Leaving it out would store a storage without its settings."""
        storage = Storage(name="s", provider="minio", configuration={"secret_key": "hush"})

        with pytest.raises(QueryError, match="secrets are not pickled"):
            pickle.dumps(storage)


class Widgets(Manager["Widget"]):
    """A manager with a verb of its own."""

    def red(self) -> Widgets:
        """Keep what is red."""
        return self.filter(colour="red")


@entity("projects")
class Widget(Entity):
    """An entity that an extender declares."""

    id: int = read_only()
    colour: str
    tags: list[str] = attrs.field(factory=list)

    objects = ManagedBy(Widgets)

    lookups = {"colour": EXACT}


class TestDeclaration:
    def test_reads_as_documented(self):
        """An entity of one's own has fields, defaults, lookups and a manager."""
        made = Widget(colour="red")

        assert ("red", []) == (made.changes["colour"], made.tags)
        assert "<QuerySet Widget colour='red' (not fetched)>" == repr(Widget.objects.red())
        assert issubclass(Widget.DoesNotExist, NotFoundError)

    def test_of_an_unknown_type_is_refused(self):
        """A field that nothing can hold is told when it is declared."""
        with pytest.raises(TypeError, match="no codec for"):

            @entity("projects")
            class Odd(Entity):
                id: int = read_only()
                shape: complex

    def test_of_an_unknown_lookup_type_is_refused(self):
        """Lookups compare what they know."""
        with pytest.raises(TypeError, match="no filter takes <class 'complex'>"):
            kind_of(complex)
