"""Answers that contradict what was sent: never success; and those of a backend that rewrites values: no alarm."""

from __future__ import annotations

import contextlib
import json
import zipfile

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synapse import (
    BulkError,
    DataCollection,
    DataUnit,
    JobLog,
    Plugin,
    Project,
    Storage,
    TaskTag,
    WriteUnconfirmedError,
)
from synapse.dialects import Reply, Request
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.lost import at, listed
from tests.unit.orm.lost import tag as row_of
from tests.unit.orm.rows import served

pytestmark = pytest.mark.usefixtures("clock")

META = {"n": 1, "at": "2026-01-01T00:00:00Z", "list": [1, 2]}
HARD = {"id": 1, "project": 1, "name": "hard", "category": "project", "description": "", "meta": {}}
SENT = {"project_id": 1, "name": "brand new", "meta": META, "description": ""}


def session_of(answer: Any, **replies: Any) -> CannedSession:
    """Make a session where every creation of a tag is answered so, and no tag is found."""
    answers = {"POST task_tags/": answer, "GET task_tags/": listed(), **replies}
    return canned(answers, timeout={"connect": 1, "read": 0.05})


def created(**changes: Any) -> Callable[[Request], Any]:
    """Create what was sent, and answer it with these changes."""
    return lambda request: {"id": 9, "category": "project", **request.json, **changes}


def _bulk(session: CannedSession, **options: Any) -> Any:
    with pytest.raises(BulkError) as caught:
        TaskTag.objects.using(session).bulk_create([TaskTag(**SENT)], **options)
    raise caught.value.failed[0][1]


DOORS: dict[str, Callable[[CannedSession, Path], Any]] = {
    "create": lambda session, _: TaskTag.objects.using(session).create(**SENT),
    "get_or_create": lambda session, _: TaskTag.objects.using(session).get_or_create(
        name="brand new", project=1, defaults={"meta": META}
    ),
    "update_or_create": lambda session, _: TaskTag.objects.using(session).update_or_create(
        name="brand new", project=1, defaults={"meta": META}
    ),
    "related": lambda session, _: _related(session),
    "bulk": lambda session, _: _bulk(session),
    "journal": lambda session, folder: _bulk(session, journal=folder / "j"),
}


def _related(session: CannedSession) -> TaskTag:
    with session:
        return Project.ref(1).tags.create(name="brand new", meta=META)


CONTRADICTIONS = {
    "row": HARD,
    "list": [HARD],
    "name": created(name="other"),
    "emptied": created(name=""),
    "link": created(project=2),
    "nested": created(project={"id": 2}),
    "value": created(meta={**META, "n": 2}),
    "dropped": created(meta={}),
    "null": created(meta=None),
    "kind": created(meta="x"),
}
NORMALISED = {
    "as sent": created(),
    "without fields": {"id": 9},
    "trimmed": created(name=" brand new "),
    "lower": created(name="Brand New"),
    "nested": created(project={"id": 1, "title": "x"}),
    "defaults": created(meta={**META, "by": "backend"}, description="a default", category="export"),
    "order": created(meta={key: META[key] for key in reversed(META)}),
    "numbers": created(meta={**META, "n": 1.0}),
    "moments": created(meta={**META, "at": "2026-01-01T09:00:00.000+09:00"}),
    "sorted": created(meta={**META, "list": [2, 1]}),
    "unknown": created(colour="red"),
}


class TestCreation:
    @pytest.mark.combinations("door, kind", DOORS, CONTRADICTIONS)
    def test_that_is_answered_by_another_row_is_unconfirmed(self, door, kind, tmp_path):
        """Whichever way it was created, and whatever differs."""
        session = session_of(CONTRADICTIONS[kind])

        with pytest.raises(WriteUnconfirmedError):
            DOORS[door](session, tmp_path)

    @pytest.mark.combinations(
        "door, kind", [name for name in DOORS if name not in ("bulk", "journal")], NORMALISED
    )
    def test_that_a_backend_rewrote_is_done(self, door, kind, tmp_path):
        """What the answer shows of what was sent is in it, however it is written."""
        made = DOORS[door](session_of(NORMALISED[kind]), tmp_path)

        assert 9 == (made[0] if isinstance(made, tuple) else made).id

    @pytest.mark.parametrize("kind", NORMALISED)
    @pytest.mark.parametrize("journal", [False, True])
    def test_of_many_that_a_backend_rewrote_is_done(self, kind, journal, tmp_path):
        """In bulk as well, and with a journal."""
        session = session_of(NORMALISED[kind])
        (made,) = TaskTag.objects.using(session).bulk_create(
            [TaskTag(**SENT)], journal=tmp_path / "j" if journal else None
        )

        assert (9, {}) == (made.id, made.changes)

    def test_leaves_the_object_as_it_was(self):
        """It has no key, and can be saved again."""
        tag = TaskTag(**SENT)
        tag._state.session = session_of(HARD)
        with pytest.raises(WriteUnconfirmedError):
            tag.save()

        assert (None, "brand new") == (tag.pk, tag.changes["name"])

    def test_shows_no_values_of_json(self):
        """They may be anything: keys tell enough."""
        with pytest.raises(WriteUnconfirmedError, match="meta differs at 'n', 'k'") as caught:
            TaskTag.objects.using(session_of(created(meta={"n": 2, "k": "hush"}))).create(
                project_id=1, name="x", meta={"n": 1}
            )

        assert "hush" not in str(caught.value)

    def test_secrets_and_what_rows_never_carry_prove_nothing(self):
        """A storage's configuration comes masked, and so does a token in JSON, or not at all."""
        row = {"id": 1, "name": "s", "provider": "gcp", "configuration": {"secret_key": "***"}}
        session = canned({"POST storages/": row, "POST task_tags/": created(meta={"n": 1})})
        storage = Storage.objects.using(session).create(
            name="s", provider="gcp", category="internal", configuration={"secret_key": "hush"}
        )
        tag = TaskTag.objects.using(session).create(
            project_id=1, name="x", meta={"n": 1, "api_token": "hush"}
        )

        assert (1, 9) == (storage.id, tag.id)

    def test_of_a_unit_is_answered_by_the_one_of_the_same_files(self):
        """It keeps its own meta and paths, by contract; other bytes are another unit."""
        file = {"url": "x", "path_original": "old.png", "checksum": "a" * 32}
        session = canned(
            {"POST data_units/": [{"id": 3, "data_collection": 1, "meta": {"n": 0}, "files": {"i": file}}]}
        )
        values = {"data_collection_id": 1, "meta": {"n": 1}}
        units = DataUnit.objects.using(session)

        assert 3 == units.create(**values, files={"i": {"checksum": "a" * 32, "path": "new.png"}}).id
        with pytest.raises(WriteUnconfirmedError, match="files differs at 'i'"):
            units.create(**values, files={"i": {"checksum": "b" * 32, "path": "new.png"}})

    def test_of_units_that_were_there_goes_by_place_unless_the_order_is_sure(self):
        """A unit that was there may hold the meta of another one; two that are exchanged are put in order."""
        rows = [
            {"id": 5, "data_collection": 1, "meta": {"n": 2}},
            {"id": 6, "data_collection": 1, "meta": {"n": 2}},
        ]
        exchanged = [{**rows[0], "meta": {"n": 2}}, {**rows[1], "meta": {"n": 1}}]
        for answer, keys in ((rows, [5, 6]), (exchanged, [6, 5])):
            units = [DataUnit(data_collection_id=1, files={}, meta={"n": n}) for n in (1, 2)]
            DataUnit.objects.using(canned({"POST data_units/": answer})).bulk_create(units)
            assert keys == [unit.id for unit in units]

    def test_of_json_that_is_nested_too_deeply_to_compare_is_done(self):
        """Nothing is told of it."""
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"a": deep}
        session = canned({"POST task_tags/": lambda request: {"id": 1, "meta": {**deep, "by": "backend"}}})

        assert 1 == TaskTag.objects.using(session).create(project_id=1, name="x", meta=deep).id

    def test_of_a_moment_that_is_rounded_is_done(self):
        """A backend may keep minutes only; another hour is another entry."""
        session = canned(
            {"POST logs/": lambda request: {"id": 1, **request.json[0], "datetime": moments.pop()}}
        )
        moments = ["2026-01-01T10:00:00Z", "2026-01-01T09:12:00Z"]
        values = {"job_id": "j", "event": "e", "datetime": "2026-01-01T09:12:40.123+00:00"}
        JobLog.objects.using(session).create(**values)

        with pytest.raises(WriteUnconfirmedError, match="datetime is"):
            JobLog.objects.using(session).create(**values)


class TestResolving:
    @pytest.mark.parametrize(
        ("made", "told"), [(-9000, (False, True)), (1.0, (False, False))], ids=["there before", "made since"]
    )
    def test_tells_whether_the_row_of_the_answer_is_new(self, made, told):
        """One that was there before is somebody else's; one that was made since may be of it, and is named."""
        session = session_of(HARD)
        session.replies["GET task_tags/"] = lambda request: listed(row_of(1, name="hard", made=made))
        with pytest.raises(WriteUnconfirmedError) as caught:
            TaskTag.objects.using(session).create(**SENT)
        found = caught.value.resolve()

        assert ((1,), told) == (caught.value.answered, (found.done, found.repeatable))
        assert ([] if found.repeatable else [1]) == [row.id for row in found.rows]

    def test_finds_the_row_that_was_made_beside_it(self):
        """The object has its key then."""
        session = session_of(HARD)
        session.replies["GET task_tags/"] = lambda request: listed(
            row_of(8, name="brand new", made=1.0, meta=META), HARD | {"created": at(-9000).isoformat()}
        )
        tag = TaskTag(**SENT)
        tag._state.session = session
        with pytest.raises(WriteUnconfirmedError) as caught:
            tag.save()

        assert caught.value.resolve().done
        assert 8 == tag.id


class TestJournal:
    def test_sends_a_row_once_where_the_answer_was_a_new_row_of_other_values(self, tmp_path):
        """It may have been made of it: it is looked for, named, and not sent again, by the next run neither."""
        shelf: list[dict[str, Any]] = []

        def create(request: Request) -> Any:
            shelf.append({"id": len(shelf) + 1, **request.json, "name": "overwritten"})
            return shelf[-1]

        for _ in range(2):
            session = session_of(create, **{"GET task_tags/": lambda request: served(shelf)(request)})
            with pytest.raises(BulkError, match="may or may not|has other values"):
                TaskTag.objects.using(session).bulk_create([TaskTag(**SENT)], journal=tmp_path / "j")

        assert 1 == len(shelf)

    def test_sends_a_row_again_where_the_answer_was_there_before(self, tmp_path):
        """Nothing was made of it, so the next run may."""
        for answer in (HARD, created()):
            session = session_of(answer, **{"GET task_tags/": served([HARD])})
            with pytest.raises(BulkError) if answer is HARD else contextlib.nullcontext():
                TaskTag.objects.using(session).bulk_create([TaskTag(**SENT)], journal=tmp_path / "j")

        assert [1] == [1 for request in session.requests if request.method == "POST"]

    @pytest.mark.parametrize("other", [{"meta": {**META, "by": "x"}}, {"name": "BRAND new"}], ids=str)
    def test_takes_the_single_row_that_the_backend_rewrote(self, other, tmp_path):
        """Of a backend that makes texts lower-case, or adds to JSON, a run that was killed ends well as well."""

        def killed(request: Request) -> Any:
            raise KeyboardInterrupt

        def run(answer: Any, *rows: dict[str, Any]) -> list[TaskTag]:
            session = session_of(answer, **{"GET task_tags/": served(rows)})
            return TaskTag.objects.using(session).bulk_create([TaskTag(**SENT)], journal=tmp_path / "j")

        with pytest.raises(KeyboardInterrupt):
            run(killed)
        row = {"id": 1, "project": 1, "name": "brand new", "meta": META, **other}

        assert [1] == [tag.id for tag in run(AssertionError("sent again"), row)]


class TestUpload:
    SPEC = {"id": 1, "name": "image_1", "file_type": "image"}

    def upload(self, folder: Path, **replies: Any) -> list[Any]:
        """Upload three files, with a task for each; give the unit and the task of each."""
        files = [folder / f"{name}.txt" for name in "abc"]
        for file in files:
            file.write_text(file.name)
        spec = {"id": 1, "name": "text_1", "file_type": "text"}
        known = {
            "GET data_collections/1/": {
                "id": 1,
                "name": "c",
                "category": "text",
                "file_specifications": [spec],
            },
            "GET projects/1/": {"id": 1, "title": "p", "category": "text", "data_collection": 1},
            "GET data_units/": page(),
            "GET data_files/": lambda request: page({"id": 3, "checksum": dict(request.params)["checksum"]}),
            "POST data_files/verify_checksums/": lambda request: {
                "existing_checksums": request.json["checksums"]
            },
            "POST data_units/": lambda request: self.units(request)[::-1],
            "POST tasks/": lambda request: self.tasks(request)[::-1],
        }
        collection = DataCollection.objects.using(canned({**known, **replies})).get(1)
        report = collection.upload(files, project=1, presigned=False)
        return [(each.status, each.unit and each.unit.pk, each.task and each.task.pk) for each in report]

    @staticmethod
    def units(request: Request) -> list[dict[str, Any]]:
        """The units that a request makes."""
        return [
            {
                "id": number,
                "data_collection": 1,
                "files": {"text_1": {"url": "x", "path_original": body["files"]["text_1"]["path"]}},
            }
            for number, body in enumerate(request.json, 1)
        ]

    @staticmethod
    def tasks(request: Request) -> list[dict[str, Any]]:
        """The tasks that a request makes."""
        return [{"id": 10 + body["data_unit"], **body} for body in request.json]

    def test_gives_items_their_own_units_and_tasks(self, tmp_path):
        """Answers in another order are put in order."""
        assert [("created", n, 10 + n) for n in (1, 2, 3)] == self.upload(tmp_path)

    def test_of_one_task_for_all_is_unknown(self, tmp_path):
        """The others may have their tasks, or not."""
        one = {"POST tasks/": lambda request: self.tasks(request)[:1] * 3}
        found = self.upload(tmp_path, **one)

        assert [("created", 1, 11), ("unknown", 2, None), ("unknown", 3, None)] == found


class TestVerbs:
    def test_a_run_that_is_answered_by_the_job_of_another_action_is_unconfirmed(self):
        """The job that was asked for may run, or not."""
        session = canned({"POST plugins/1/run/": {"job_id": "j", "action": "test"}})
        plugin = Plugin.ref(1)
        plugin._state.session = session

        with pytest.raises(WriteUnconfirmedError, match="action is"):
            plugin.run(action="train")

    def test_a_run_whose_parameters_are_cut_is_done(self):
        """Backends keep those that they know."""
        session = canned({"POST plugins/1/run/": {"job_id": "j", "action": "Train", "params": {}}})
        plugin = Plugin.ref(1)
        plugin._state.session = session

        assert "j" == plugin.run(action="train", params={"x": 1}).id

    def test_a_release_that_is_answered_by_another_version_is_unconfirmed(self, tmp_path):
        """The version that was sent may be there, or not."""
        zipfile.ZipFile(tmp_path / "a.zip", "w").close()
        session = canned(
            {"POST plugin_releases/": {"id": 1, "plugin": 1, "version": "1.0"}, "GET plugins/1/": {}}
        )
        session.replies["GET plugins/1/"] = {"id": 1, "code": "c", "name": "n", "category": "custom"}
        plugin = Plugin.objects.using(session).get(1)

        with pytest.raises(WriteUnconfirmedError, match="version is"):
            plugin.release("2.0", tmp_path / "a.zip")


def test_an_unconfirmed_answer_travels():
    """The error and its keys survive pickling, and the reply is JSON all the way."""
    import pickle

    with pytest.raises(WriteUnconfirmedError) as caught:
        TaskTag.objects.using(session_of(Reply(200, json.loads(json.dumps(HARD))))).create(**SENT)

    assert (1,) == pickle.loads(pickle.dumps(caught.value)).answered
