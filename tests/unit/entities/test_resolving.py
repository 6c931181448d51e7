"""Verbs whose answer never came: what each leaves behind is looked for."""

from __future__ import annotations

import pickle

import pytest

from synapse import BulkError, DataFile, Plugin, Task, WriteUnconfirmedError
from synapse.testing import canned, page
from tests.unit.orm.lost import again, at, listed

LOST = WriteUnconfirmedError("POST /x/: the connection was lost")
QUICK = {"connect": 1, "read": 0.05}


def caught(call):
    """Give the error of a write whose answer was lost, alone or of several rows."""
    with pytest.raises((WriteUnconfirmedError, BulkError)) as raised:
        call()
    error = raised.value
    return error.failed[0][1] if isinstance(error, BulkError) else error


def tagged(*tags):
    """Give a task's row with these tags."""
    return {"id": 7, "project": 1, "data_unit": 2, "tags": list(tags)}


class TestTags:
    def lost(self, *since, **changes):
        """Change the tags of one task, and show these rows since."""
        session = canned(
            {"POST tasks/set_tags/": again(LOST), "GET sdk/tasks/": page(*since), "GET tasks/7/": tagged(3)},
            timeout=QUICK,
        )
        task = Task.ref(7)
        task._state.session = session
        return task, caught(lambda: task.set_tags(**changes))

    @pytest.mark.parametrize("changes", [{"add": [3]}, {"remove": [4]}, {"add": [3], "remove": [4]}])
    def test_are_done_where_they_are_as_they_were_to_be(self, changes):
        """The object has its tags then."""
        task, error = self.lost(tagged(3), **changes)

        assert error.resolve().done
        assert [3] == task.tags

    @pytest.mark.parametrize("changes", [{"add": [5]}, {"remove": [3]}, {"add": [3, 5]}])
    def test_are_repeatable_where_they_are_not(self, changes):
        """Putting a tag on once more does no harm."""
        _, error = self.lost(tagged(3), **changes)
        found = error.resolve()

        assert (False, True, [7]) == (found.done, found.repeatable, [row.id for row in found.rows])

    def test_of_a_row_that_is_gone_cannot_be_told(self):
        """A task that was deleted meanwhile has none."""
        _, error = self.lost(add=[3])

        assert "the others are gone" in str(error.resolve())

    def test_of_a_query_are_found_as_well(self):
        """Each batch can be asked about, also after pickling."""
        session = canned(
            {"POST tasks/set_tags/": again(LOST), "GET sdk/tasks/": page(tagged(3))}, timeout=QUICK
        )
        tasks = Task.objects.using(session).filter(id=7)
        error = pickle.loads(pickle.dumps(caught(lambda: tasks.set_tags(add=[3]))))
        with session:
            assert error.resolve().done


def test_a_debug_release_may_be_sent_again(tmp_path):
    """It replaces the same one once more, whether or not it did."""
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK\5\6" + bytes(18))
    plugin = Plugin.ref(1)
    plugin._state.session = canned(
        {"GET plugins/1/": TestRuns.PLUGIN, "POST plugin_releases/": again(LOST)}, timeout=QUICK
    )
    error = caught(lambda: plugin.release("1", archive, debug=True))

    assert "once more writes the same" in str(error.resolve())


class TestRuns:
    PLUGIN = {"id": 1, "code": "c", "name": "n", "category": "custom"}

    def lost(self, *jobs, before=(), **how):
        """Run a plugin, and show these jobs since; those of the action are asked for one at a time."""

        def list_jobs(request):
            return page(*before) if dict(request.params)["page_size"] != "100" else listed(*jobs)

        session = canned({"POST plugins/1/run/": again(LOST), "GET jobs/": list_jobs}, timeout=QUICK)
        plugin = Plugin.ref(1)
        plugin._state.session = session
        return caught(lambda: plugin.run(**{"action": "go", **how}))

    def job(self, **more):
        """Give a job's row, made now."""
        return {"id": "j", "status": "RUNNING", "action": "go", "created": at().isoformat(), **more}

    def test_give_their_job(self):
        """The job that was made since, of the same action and parameters."""
        found = self.lost(self.job(params={"a": 1}, agent=4), params={"a": 1}, agent=4).resolve()

        assert (True, ["j"]) == (found.done, [job.id for job in found.rows])

    def test_are_counted(self):
        """Of two runs alike, whose answers were both lost and of which one happened, one is found."""
        first = self.lost(self.job(params={}))
        plugin = Plugin.ref(1)
        plugin._state.session = first.question.session
        second = caught(lambda: plugin.run(action="go"))

        assert (True, True) == (first.resolve().done, first.resolve().done)
        assert [] == list(second.resolve().rows)

    def test_are_not_taken_for_another_job(self):
        """Other parameters are another run."""
        before = [self.job(params={"a": 2})]

        assert self.lost(*before, before=before, params={"a": 1}).resolve().repeatable

    def test_are_not_taken_for_one_that_answered(self):
        """Of two runs alike, the one whose answer came is known."""
        session = canned(
            {"POST plugins/1/run/": self.job(job_id="j"), "GET jobs/": listed(self.job(params={}))},
            timeout=QUICK,
        )
        plugin = Plugin.ref(1)
        plugin._state.session = session
        plugin.run(action="go")
        session.replies["POST plugins/1/run/"] = again(LOST)

        assert caught(lambda: plugin.run(action="go")).resolve().repeatable

    def test_whose_params_were_cut_are_shown(self):
        """Of an upload, the backend keeps only what it knows."""
        found = self.lost(self.job(params={"name": "x"}), params={"name": "x", "lost": 1}).resolve()

        assert (False, False, ["j"]) == (found.done, found.repeatable, [job.id for job in found.rows])

    def test_of_an_action_that_leaves_no_job_cannot_be_told(self):
        """Where none ever came, that none is there says nothing."""
        found = self.lost().resolve()

        assert (False, False) == (found.done, found.repeatable)
        assert "may run without one" in str(found)


class TestUploads:
    def lost(self, path, *rows):
        """Upload a file, lose every answer, and show these rows when asked for its content."""
        path.write_bytes(b"content")
        session = canned(
            {"POST data_files/": again(LOST), "GET data_files/": page()},
            retry=None,
            timeout=QUICK,
        )
        session.pause = lambda seconds: None
        error = caught(lambda: DataFile.objects.using(session).upload(path))
        session.replies["GET data_files/"] = page(*rows)
        return error

    def test_are_found_by_their_content(self, tmp_path):
        """The same bytes are the same file."""
        found = self.lost(
            tmp_path / "a.bin", {"id": 3, "checksum": "9a0364b9e99bb480dd25e1f0284c8555"}
        ).resolve()

        assert (True, [3]) == (found.done, [file.id for file in found.rows])

    def test_are_repeatable_at_once(self, tmp_path):
        """Content is stored once, however often it comes, so nothing is waited for."""
        assert self.lost(tmp_path / "a.bin").resolve(wait=0).repeatable

    def test_of_a_file_that_has_changed_cannot_be_told(self, tmp_path):
        """It says nothing of what was sent."""
        error = self.lost(tmp_path / "a.bin")
        (tmp_path / "a.bin").write_bytes(b"other content")

        assert "another one now" in str(error.resolve())
