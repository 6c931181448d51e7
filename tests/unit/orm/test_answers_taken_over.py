"""How objects take over the answers to writes."""

from __future__ import annotations

import pytest

from synapse import Task, TaskTag, WriteUnconfirmedError
from synapse.dialects import Request
from synapse.orm import answers
from synapse.testing import canned, page
from tests.unit.orm.rows import Row
from tests.unit.orm.tasks import ROW, TAG, task


class TestStore:
    def test_takes_over_what_the_backend_made_of_it(self):
        """The answer counts, where it differs from what was sent."""
        loaded, _ = task(**{"PATCH tasks/7/": {**ROW, "meta": {"a": [1], "b": 1, "stamped": True}}})
        loaded.meta["b"] = 1

        loaded.save()

        assert ({"a": [1], "b": 1, "stamped": True}, {}) == (loaded.meta, loaded.changes)

    def test_leaves_what_was_edited_since_the_sending(self):
        """An edit by another thread, while the answer is on its way, is not dropped: it is still to be saved."""

        def answer(request: Request) -> Row:
            loaded.meta["late"] = 1
            return {**ROW, **request.json}

        loaded, _ = task(**{"PATCH tasks/7/": answer})
        loaded.meta["b"] = 1

        loaded.save()

        assert ({"a": [1], "b": 1, "late": 1}, ["meta"]) == (loaded.meta, list(loaded.changes))

    @pytest.mark.parametrize("journal", [False, True])
    def test_leaves_what_was_edited_while_a_list_is_created(self, journal, tmp_path):
        """With a journal and without."""
        made = [Task(project_id=1, data_unit_id=unit, meta={"unit": unit}) for unit in (1, 2)]

        def answer(request: Request) -> list[Row]:
            made[0].meta["late"] = 1
            return [{"id": each["data_unit"], **each} for each in request.json]

        session = canned({"POST tasks/": answer, "GET sdk/tasks/": page()})
        Task.objects.using(session).bulk_create(made, journal=tmp_path / "run" if journal else None)

        assert [{"unit": 1, "late": 1}, {}] == [each.changes.get("meta", {}) for each in made]

    def test_leaves_what_was_edited_before_its_batch_is_sent(self):
        """What was edited after it was checked is not sent, and still to be saved."""
        made = [Task(project_id=1, data_unit_id=unit, meta={"unit": unit}) for unit in (1, 2)]

        def answer(request: Request) -> list[Row]:
            made[1].meta["late"] = 1
            return [{"id": each["data_unit"], **each} for each in request.json]

        Task.objects.using(canned({"POST tasks/": answer})).bulk_create(made, batch_size=1)

        assert [{}, {"unit": 2, "late": 1}] == [each.changes.get("meta", {}) for each in made]

    def test_takes_the_one_row_of_a_list(self):
        """A backend that takes lists answers with one."""
        made = TaskTag.objects.using(canned({"POST task_tags/": [TAG]})).create(project_id=1, name="n")

        assert 4 == made.id

    @pytest.mark.parametrize("answer", [None, "ok", {}, {"id": None}, {"id": 4, "name": 5}, {"name": "hush"}])
    def test_of_an_answer_that_cannot_be_read_is_unconfirmed(self, answer):
        """After a success nothing says that it was not done; values stay out of the message."""
        session = canned({"POST task_tags/": answer})

        with pytest.raises(WriteUnconfirmedError) as caught:
            TaskTag.objects.using(session).create(project_id=1, name="n")

        assert "hush" not in str(caught.value)

    def test_drops_the_cached_row(self):
        """A relation that was read before does not keep the old row."""
        loaded, session = task()
        session.cache.put("tasks", 7, row=ROW)
        loaded.is_discarded = True

        loaded.save()

        assert session.cache.get("tasks", 7) is None


class TestTake:
    def test_keeps_what_was_changed_and_not_sent(self):
        """A verb's answer does not touch pending changes."""
        loaded, session = task()
        loaded.meta["b"], loaded.data = 1, {"draft": 1}

        answers.adopt_verb_answer(loaded, {**ROW, "data": {"final": 1}}, session=session, sent={"data"})

        assert ({"final": 1}, {"meta": {"a": [1], "b": 1}}) == (loaded.data, loaded.changes)

    def test_without_a_row_reads_again(self):
        """What was sent is loaded anew when it is asked for."""
        loaded, session = task(**{"PUT tasks/7/annotate_task_data/": None, "GET sdk/tasks/data/": page()})
        loaded.meta["b"] = 1

        loaded.annotate({"final": 1})
        session.replies["GET tasks/7/"] = {**ROW, "data": {"final": 1}}

        assert ({"final": 1}, {"meta": {"a": [1], "b": 1}}) == (loaded.data, loaded.changes)

    @pytest.mark.parametrize(
        "answer", ["ok", [], {"status": "log in"}, {**ROW, "id": 8}, {**ROW, "data": [1]}]
    )
    def test_of_an_answer_that_is_not_its_row_is_unconfirmed(self, answer):
        """The object stays what it is; what was sent is loaded anew when it is asked for."""
        loaded, session = task(**{"PUT tasks/7/annotate_task_data/": answer})
        with pytest.raises(WriteUnconfirmedError, match="Task 7 was to be changed") as caught:
            loaded.annotate({"final": 1})
        assert (7, True) == (loaded.pk, caught.value.resolve().repeatable)
        session.replies["GET tasks/7/"] = {**ROW, "data": {"final": 1}}
        session.replies["GET sdk/tasks/data/"] = page()

        assert {"final": 1} == loaded.data
