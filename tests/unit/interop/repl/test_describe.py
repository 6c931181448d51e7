"""What a REPL shows of an entity, made from its declaration: nothing is sent."""

from __future__ import annotations

import inspect
import sys

import pytest

from synapse import DataCollection, Project, StatusLabel, Task
from synapse.orm import Entity, entity
from synapse.testing import assert_requests, canned
from tests.meta.shown import ENTITIES


class TestDescribe:
    @pytest.mark.parametrize("cls", ENTITIES)
    def test_names_all_that_is_declared(self, cls: type[Entity]) -> None:
        """Each field, lookup, order and relation, in the text and in the page for notebooks."""
        view = cls.describe()
        names = [*cls._schema.names, *cls._schema.to_many, *cls._catalog.spellings(), *cls._catalog.order_by]

        assert [] == [name for name in names if name not in repr(view) or name not in view._repr_html_()]

    def test_tells_values_types_and_verbs(self) -> None:
        """A line for each."""
        lines = [" ".join(line.split()) for line in repr(Task.describe()).splitlines()]

        assert {
            "status_label StatusLabel | str set by the backend",
            "status_label stand_by | in_progress | completed | skipped",
            "project one Project by project_id; prefetch_related",
            "assignments many Assignment Assignment.objects.filter(tasks=...)",
            "annotate() Set the annotations and submit them, or with `submit=False` only save them.",
        } <= set(lines)

    def test_sends_nothing(self) -> None:
        """Not even where a session is current."""
        with canned({}) as session, assert_requests(0, session=session):
            Task.describe()._repr_html_()


class TestLookups:
    def test_print_one_name_a_line(self) -> None:
        """With their spellings and values."""
        expected = ["category: image | video | audio | text | pcd | prompt | time_series"]

        assert [*expected, "data_collection: DataCollection or its key"] == repr(Project.lookups).splitlines()


class TestSignature:
    def test_names_the_fields_of_a_new_object(self) -> None:
        """Those that the backend sets are none; what is required has no default."""
        parameters = inspect.signature(Task).parameters
        required = [name for name, each in parameters.items() if each.default is each.empty]

        assert (["project_id", "data_unit_id"], Task._schema.settable) == (required, tuple(parameters))

    def test_of_an_init_of_ones_own_is_that_of_the_init(self) -> None:
        """A subclass may take other arguments."""

        class Street(Project):
            def __init__(self, name: str) -> None:
                super().__init__(title=name, category="image")

        assert ["name"] == list(inspect.signature(Street).parameters)


class TestDocstring:
    def test_is_short_where_nobody_types(self) -> None:
        """Pages and tools have what was written."""
        assert (
            "A set of data units of one shape, which its `file_specifications` describe."
            == DataCollection.__doc__
        )

    def test_lists_fields_and_lookups_in_a_repl(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`help(Task)` and `Task?` show them."""
        monkeypatch.setattr(sys.modules["synapse.orm.entity"], "is_interactive", lambda: True)

        assert {"Fields", "Lookups", "Orders", "Relations"} <= set(str(Task.__doc__).splitlines())

    def test_of_an_entity_of_ones_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With and without lookups."""
        monkeypatch.setattr(sys.modules["synapse.orm.entity"], "is_interactive", lambda: True)

        @entity("")
        class Bare(Entity):
            """Nothing but a name."""

            name: str = ""

        assert ("Nothing but a name.", "no lookups") == (Bare.__doc__, repr(Bare.lookups))


def test_an_object_shows_its_status_and_tags() -> None:
    """As far as they are loaded; nothing is fetched for it."""
    row = {"id": 7, "project": 1, "data_unit": 2, "status_label": "completed", "tags": [3, 4]}
    with canned({"GET tasks/7/": row}) as session:
        task = Task.objects.get(7)
        with assert_requests(0, session=session):
            shown = repr(task)

    assert StatusLabel.COMPLETED == task.status_label
    assert "<Task 7 project_id=1 data_unit_id=2 status_label='completed' tags=[3, 4]>" == shown
