"""Changes that are answered with success and not taken: told by the field, and no alarm where a backend rewrites."""

from __future__ import annotations

import contextlib
import pickle

from collections.abc import Callable
from typing import Any

import pytest

from synapse import (
    BulkError,
    ClientError,
    Job,
    Plugin,
    Project,
    Storage,
    Task,
    TaskTag,
    WriteIgnoredError,
)
from synapse.dialects import Request
from synapse.testing import CannedSession, canned, page

ROW = {
    "id": 7,
    "project": 1,
    "data_unit": 2,
    "meta": {"a": 1, "b": 2},
    "data": None,
    "is_discarded": False,
    "tags": [3],
}
THEIRS = {**ROW, "meta": {"c": 3}, "data": {"theirs": 1}, "project": 5}


def ignoring(now: dict[str, Any] = ROW) -> CannedSession:
    """Make a session whose backend answers every change with the row as it is."""
    return canned(
        {
            "GET tasks/7/": ROW,
            "GET sdk/tasks/": page(ROW),
            "GET sdk/tasks/data/": page({"id": 7, "data": None}),
            "PATCH tasks/7/": now,
            "PUT tasks/7/annotate_task_data/": now,
        }
    )


def loaded(session: CannedSession) -> Task:
    """Give a task that was loaded whole."""
    return Task.objects.using(session).get(7)


def referred(session: CannedSession) -> Task:
    """Give a task of which only the key is known."""
    task = Task.ref(7)
    task._state.session = session
    return task


def deferred(session: CannedSession) -> Task:
    """Give a task of which only the link is loaded."""
    return Task.objects.using(session).only("data_unit_id")[0]


HELD = {"loaded": loaded, "reference": referred, "deferred": deferred}
CHANGES: dict[str, Any] = {
    "meta": {"a": 2},
    "is_discarded": True,
    "project_id": 3,
    "data": {"x": 1},
}
NOW = {"as it was": ROW, "of a colleague": {**THEIRS, "is_discarded": False}}


def normalising(request: Request) -> Any:
    """Answer a change as a backend does that trims, lowers, rounds, orders, masks, recomputes and adds."""

    def made(value: Any) -> Any:
        if isinstance(value, dict):
            masked = {key: "***" if key == "token" else made(each) for key, each in sorted(value.items())}
            return {**masked, "by": "backend"}
        if isinstance(value, str):
            return value.strip().lower()
        return round(value, 3) if isinstance(value, float) else value

    row = {**ROW, "id": 7, "count_assignments": 9, **{key: made(each) for key, each in request.json.items()}}
    return {key: row[key] for key in sorted(row)}


class TestSave:
    @pytest.mark.combinations("held, field, now, check", HELD, CHANGES, NOW, [False, True])
    def test_tells_the_field_that_was_not_taken(self, held, field, now, check):
        """Whatever is known of the object, and whatever the row shows instead of what was sent."""
        session = ignoring(NOW[now])
        task = HELD[held](session)
        setattr(task, field, CHANGES[field])
        if check:
            session.replies["GET tasks/7/"] = {
                **ROW,
                **({"project": 3} | CHANGES if held != "loaded" else {}),
            }

        with pytest.raises(WriteIgnoredError, match=f"did not take {field}") as caught:
            task.save(check=check)

        assert ((field,), 200) == (tuple(caught.value.fields), caught.value.status_code)
        assert {field: CHANGES[field]} == task.changes

    def test_takes_over_what_was_taken(self):
        """Of two fields, one is saved, and the other is still a change."""
        task = loaded(ignoring({**ROW, "is_discarded": True}))
        task.is_discarded, task.meta = True, {"a": 5}
        with pytest.raises(WriteIgnoredError, match="meta differs at 'a', 'b'"):
            task.save()

        assert {"meta": {"a": 5}} == task.changes
        assert {} == task.refresh().changes

    @pytest.mark.parametrize(
        "edit",
        [
            lambda task: task.meta.pop("b"),
            lambda task: task.meta.clear(),
            lambda task: setattr(task, "meta", None),
            lambda task: task.meta.update(b=[2]),
            lambda task: setattr(task, "meta", {"a": 1, "c": 2}),
        ],
    )
    def test_tells_of_an_edit_inside_json(self, edit):
        """A key that was taken out, cleared or changed, and is still there."""
        task = loaded(ignoring())
        edit(task)

        with pytest.raises(WriteIgnoredError, match="did not take meta"):
            task.save()

    def test_of_a_key_that_was_taken_out_goes_by_what_else_changed(self):
        """Where another key has come or gone, the backend took it, and puts its own key back; a colleague's stays."""
        session = ignoring()
        session.replies["PATCH tasks/7/"] = lambda request: {**ROW, "meta": {**request.json["meta"], "b": 2}}
        task = loaded(session)
        task.meta = {"x": 1}
        task.save()

        assert {"x": 1, "b": 2} == task.meta
        task = loaded(ignoring({**ROW, "meta": {"a": 1, "b": 3}}))
        task.meta.pop("b")
        with pytest.raises(WriteIgnoredError, match="meta differs at 'b'"):
            task.save()

    def test_that_clears_what_was_never_loaded_is_told(self):
        """Nothing says that the backend has put it there since."""
        task = referred(ignoring())
        task.meta = {}

        with pytest.raises(WriteIgnoredError, match="did not take meta"):
            task.save()

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("Night", "night", True),
            ("night", "Night", False),
            ("night", " night ", False),
            ("night", "day", True),
        ],
    )
    def test_of_a_text_that_was_so_before_goes_by_what_backends_do(self, old, new, told):
        """They make texts lower-case and trim them, so that saving the same once more changes nothing."""
        row = {"id": 1, "title": old, "category": "image"}
        project = Project.objects.using(canned({"GET projects/1/": row, "PATCH projects/1/": row})).get(1)
        project.title = new

        with pytest.raises(WriteIgnoredError) if told else contextlib.nullcontext():
            project.save()

    @pytest.mark.parametrize("held", HELD)
    def test_of_a_backend_that_rewrites_is_done(self, held):
        """The object holds what the backend made of it."""
        session = canned({**ignoring().replies, "PATCH tasks/7/": normalising})
        task = HELD[held](session)
        task.meta, task.data = {"z": " Night ", "a": 0.12345, "token": "hush"}, {"n": 1.0}
        task.save()

        assert ({}, "night", 0.123) == (task.changes, task.meta["z"], task.meta["a"])

    def test_once_more_of_a_backend_that_adds_is_done(self):
        """It was seen to add, so a row that stays as it is was not ignored."""
        task = loaded(canned({**ignoring().replies, "PATCH tasks/7/": normalising}))
        for _ in range(2):
            task.meta = {"n": 1}
            task.save()

        assert {"n": 1, "by": "backend"} == task.meta

    @pytest.mark.parametrize("answer", [None, {"id": 7}, {"id": 7, "is_discarded": True}])
    def test_of_an_answer_that_does_not_show_the_field_is_done(self, answer):
        """What is absent gives no verdict."""
        task = loaded(ignoring(answer))
        task.meta = {"a": 5}
        task.save()

        assert ({"a": 5}, {}) == (task.meta, task.changes)

    def test_of_a_secret_gives_no_verdict(self):
        """It comes masked, or as it was."""
        row = {"id": 1, "name": "s", "provider": "gcp", "configuration": {"secret_key": "old"}}
        session = canned({"GET storages/1/": row, "PATCH storages/1/": row})
        storage = Storage.objects.using(session).get(1)
        storage.configuration = {"secret_key": "hush"}

        assert 1 == storage.save().id

    def test_of_a_put_is_told_as_well(self):
        """A plugin goes by PUT."""
        row = {"id": 1, "code": "c", "name": "old", "category": "custom"}
        plugin = Plugin.objects.using(canned({"GET plugins/1/": row, "PUT plugins/1/": row})).get(1)
        plugin.name = "new"

        with pytest.raises(WriteIgnoredError, match="name is str 'old', not str 'new'"):
            plugin.save()

    def test_by_update_or_create_is_told(self):
        """It saves the match."""
        row = {"id": 1, "project": 1, "name": "n", "description": "old"}
        session = canned({"GET task_tags/": page(row), "PATCH task_tags/1/": row})

        with pytest.raises(WriteIgnoredError, match="did not take description"):
            TaskTag.objects.using(session).update_or_create(
                name="n", project=1, defaults={"description": "new"}
            )

    def test_is_a_refusal_by_the_backend_that_travels(self):
        """It is caught as one, names the fields in `errors`, and survives pickling."""
        task = loaded(ignoring())
        task.is_discarded = True
        with pytest.raises(ClientError) as caught:
            task.save()
        arrived = pickle.loads(pickle.dumps(caught.value))

        assert ({"is_discarded": ["it is still bool False"]}, ("is_discarded",)) == (
            arrived.errors,
            arrived.fields,
        )


class TestUpdate:
    ROWS = [{**ROW, "id": number, "meta": {"n": number}} for number in range(1, 13)]

    def update(self, answer: Callable[[int, Any], Any], **fields: Any) -> Any:
        """Update the twelve tasks of a project, whose changes are answered so."""
        replies: dict[str, Any] = {"GET sdk/tasks/": page(*self.ROWS)}
        for row in self.ROWS:
            replies[f"PATCH tasks/{row['id']}/"] = lambda request, row=row: answer(
                row["id"], {**row, **request.json}
            )
        return Task.objects.using(canned(replies)).filter(project=1).update(**fields)

    @pytest.mark.parametrize(
        "fields", [{"is_discarded": True}, {"meta": {"n": 0}}, {"meta": None}, {"project": 2}]
    )
    def test_counts_rows_that_were_not_changed_as_failed(self, fields):
        """Each with a `WriteIgnoredError`."""
        with pytest.raises(BulkError, match="updated 6 of 12") as caught:
            self.update(lambda key, row: row if key % 2 else self.ROWS[key - 1], **fields)

        assert [2, 4, 6, 8, 10, 12] == [key for key, _ in caught.value.failed]
        assert {WriteIgnoredError} == {type(error) for _, error in caught.value.failed}

    def test_of_a_backend_that_rewrites_is_done(self):
        """Each row is counted."""
        result = self.update(lambda key, row: {**row, "meta": {**row["meta"], "by": key}}, meta={"n": 0.5})

        assert 12 == len(result)

    @pytest.mark.parametrize(("meta", "left"), [({"n": 0}, 0), ({}, 1)])
    def test_once_more_of_a_backend_that_adds_is_done(self, meta, left, monkeypatch):
        """A row that holds what was sent, and more, is as it was to be; of `{}`, the other rows tell."""
        rows = [{**row, "meta": {**meta, "by": "backend"}} for row in self.ROWS]
        monkeypatch.setattr(TestUpdate, "ROWS", [*rows[: 12 - left], *self.ROWS[12 - left :]])
        result = self.update(lambda key, row: {**row, "meta": {**row["meta"], "by": "backend"}}, meta=meta)

        assert 12 == len(result)

    def test_of_keys_that_were_to_be_taken_out_is_told(self):
        """Where no row shows that the backend adds them."""
        with pytest.raises(BulkError, match="updated 0 of 12"):
            self.update(lambda key, row: self.ROWS[key - 1], meta={})


class TestVerbs:
    def test_annotate_tells_of_data_that_was_not_taken(self):
        """The object holds what the row shows."""
        task = referred(ignoring())
        with pytest.raises(WriteIgnoredError, match="did not take data"):
            task.annotate({"annotations": {"image_1": []}})

        assert task.data is None

    @pytest.mark.parametrize(
        "shown",
        [{"mode": "presigned", "presigned_url": "https://x.invalid/", "data_digest": "0"}, {"x": 1, "id": 5}],
    )
    def test_annotate_takes_data_that_is_elsewhere_or_more(self, shown):
        """Large data may be shown by its address only."""
        task = referred(ignoring({**ROW, "data": shown}))

        assert 7 == task.annotate({"x": 1}).id

    @pytest.mark.parametrize(
        ("changes", "told"), [({"add": [9]}, True), ({"remove": [3]}, True), ({"add": [3]}, False)]
    )
    def test_set_tags_goes_by_the_tags_that_the_task_has_then(self, changes, told):
        """The answer itself tells nothing, but the row that is read behind it."""
        task = loaded(ignoring())
        task._state.session.replies["POST tasks/set_tags/"] = {}

        with (
            pytest.raises(WriteIgnoredError, match="did not take tags") if told else contextlib.nullcontext()
        ):
            task.set_tags(**changes)

    @pytest.mark.parametrize(
        ("shown", "told"), [("RUNNING", True), ("pending", True), ("stopped", False), ("SUCCEEDED", False)]
    )
    def test_stop_tells_of_a_job_that_goes_on(self, shown, told):
        """One that has ended by itself needs no stop."""
        session = canned({"PATCH jobs/j/": {"id": "j", "status": shown}})
        job = Job.ref("j")
        job._state.session = session

        with (
            pytest.raises(WriteIgnoredError, match="did not take status")
            if told
            else contextlib.nullcontext()
        ):
            job.stop()
