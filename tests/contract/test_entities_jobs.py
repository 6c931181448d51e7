"""Jobs: waiting for them, following what they print, stopping them, and their logs."""

from __future__ import annotations

import json
import time

from datetime import UTC, datetime

import pytest

from synapse import Job, JobLog, JobStatus, Plugin, Session, TransportError, WaitTimeoutError
from synapse.dialects import Reply
from synapse.testing import assert_requests, canned
from tests.servers import Server, cut, reply

KEY = "00000000-0000-0000-0000-0000000000a7"  # which no other test makes


@pytest.fixture
def run(session, make):
    """Start a run of so many seconds."""
    release = make.release()

    def start(seconds: float = 0.3, **params) -> Job:
        return Plugin.ref(release.plugin_id).run(action="go", params={"seconds": seconds, **params})

    return start


class TestWait:
    def test_gives_the_ended_job(self, run):
        """The job comes back loaded anew, with its result."""
        job = run(0.1, steps=3)

        same = job.wait(timeout=30)

        assert (job, JobStatus.SUCCEEDED, True, 100.0, {"steps": 3}) == (
            same,
            job.status,
            job.has_ended,
            job.percent,
            job.result,
        )

    def test_gives_a_failed_job_as_well(self, run):
        """How it ended is for the caller to look at."""
        job = run(0, fail=True).wait(timeout=30)

        assert (JobStatus.FAILED, "go: failed on request") == (job.status, job.result["error"])

    def test_of_an_ended_job_asks_once(self, session, make):
        """A job that has ended is not waited for."""
        job = Job.ref(str(make.job().pk))

        with assert_requests(1):
            job.wait()

    def test_gives_up_after_its_time(self, session, make):
        """The error says that the job goes on; nothing is stopped."""
        row = make.job(status="RUNNING")

        with pytest.raises(WaitTimeoutError, match="it goes on") as caught:
            Job.objects.get(str(row.pk)).wait(timeout=0.01)

        row.refresh_from_db()
        assert (True, "RUNNING") == (isinstance(caught.value, TimeoutError), row.status)

    def test_tells_its_progress(self, run):
        """A callable is told how far it is, from 0 to 100."""
        steps = []

        run(0.2, steps=5).wait(timeout=30, progress=steps.append)

        shown = [step.done for step in steps]
        assert (0, 100, 100) == (shown[0], shown[-1], steps[0].total)
        assert sorted(shown) == shown

    @pytest.mark.parametrize(
        "record",
        [None, {}, {"current_progress": None}, {"current_progress": {"percent": "x"}}, {"record": 5}],
    )
    def test_progress_that_says_nothing_is_zero(self, session, make, record):
        """A record of another shape counts as no progress."""
        job = Job.objects.get(str(make.job(progress_record=record or {}).pk))
        job.progress_record = record

        assert 0.0 == job.percent

    def test_progress_falls_back_to_overall(self, session, make):
        """Older records say only `overall`."""
        record = {"current_progress": {"overall": 40}}

        assert 40.0 == Job.objects.get(str(make.job(progress_record=record).pk)).percent


class TestTail:
    def test_follows_a_running_job(self, run):
        """Lines come while the job runs, from the first to the last."""
        job, seen = run(0.3, lines=["하나", "two", "three"], steps=3), []

        for line in job.tail():
            seen.append((line.partition("] ")[2], time.monotonic()))

        assert ["go: started", "하나", "two", "three", "go: finished"] == [text for text, _ in seen]
        assert seen[-1][1] > seen[0][1]
        assert [text for text, _ in seen] == [line.partition("] ")[2] for line in job.console_logs()]

    def test_leaving_early_ends_the_stream(self, session, run):
        """Breaking out of the loop closes the connection; the session goes on."""
        job = run(0.1)

        for _ in job.tail():
            break

        assert JobStatus.SUCCEEDED == job.wait(timeout=30).status


def as_line(payload: object) -> str:
    """Write a payload as one line of an event stream."""
    return f"data: {json.dumps(payload)}"


def frames(*payloads: object, ending: bytes = b"") -> bytes:
    """Write payloads as a whole event stream."""
    text = "".join(f"data: {json.dumps(each, ensure_ascii=False)}\n\n" for each in payloads)
    kind = ("Content-Type", "text/event-stream; charset=utf-8")
    return reply(200, raw=text.encode() + ending, headers=[kind])


LOG = {"type": "log", "data": "one"}
DONE = {"type": "complete", "message": "Job SUCCEEDED"}


class TestStreams:
    def tail(self, answer) -> list[str]:
        with Server(answer) as server, Session(server.origin, api_token="t"):
            return list(Job.ref(KEY).tail())

    @pytest.mark.parametrize(
        "data",
        [
            "one",
            "one\n",
            'data: {"type": "log", "message": "one"}\n',
            'data: {"type": "log", "data": "one"}\n',
            'data: {"message": "one\\n"}',
        ],
        ids=["plain", "line", "wrapped message", "wrapped data", "without type"],
    )
    def test_unwraps_what_an_agent_relays(self, data):
        """A log frame may hold a frame of the agent's own."""
        assert ["one"] == self.tail(frames({"type": "log", "data": data}, DONE))

    @pytest.mark.parametrize("text", ["data: not JSON", "data: [1]", "data: 5", "database: full", "{}"])
    def test_keeps_text_that_only_looks_wrapped(self, text):
        """What is no frame is what the job printed."""
        assert [text] == self.tail(frames({"type": "log", "data": text}, DONE))

    @pytest.mark.parametrize("data", [5, None, {"a": 1}])
    def test_shows_data_that_is_no_text(self, data):
        """Whatever was logged is shown as text."""
        assert [str(data)] == self.tail(frames({"type": "log", "data": data}, DONE))

    def test_passes_over_everything_else(self):
        """Comments, unknown frames and unreadable lines are no lines of the job."""
        stream = b'data: {"type": "log", "data": "two"}\n\ndata: {"type": "complete"}\n\n'
        noise = b": heartbeat\n\nevent: x\nid: 5\ndata: {broken\n\ndata: [1]\n\n" + stream

        assert ["one", "two"] == self.tail(frames({"type": "connected"}, LOG, ending=noise))

    def test_ends_with_the_error_that_the_backend_tells(self):
        """An error frame is raised, after the lines that came before it."""
        with pytest.raises(TransportError, match="out of memory"):
            self.tail(frames(LOG, {"type": "error", "message": "out of memory"}))

    @pytest.mark.parametrize("answer", [frames(LOG), cut(frames(LOG, DONE), at=10)], ids=["ended", "cut"])
    def test_that_break_off_are_told(self, answer):
        """A stream without its last frame is broken, and the lines before it were given."""
        seen = []
        with Server(answer) as server, Session(server.origin, api_token="t"), pytest.raises(TransportError):
            for line in Job.ref(KEY).tail():
                seen.append(line)

        assert ["one"] == seen

    def test_of_an_unknown_job(self, session):
        """The backend says within the stream that there is no such job, which is asked for to be sure."""
        with pytest.raises(Job.DoesNotExist), assert_requests(2):
            list(Job.ref(KEY).tail())

    def test_of_a_job_that_has_no_address(self):
        """A refusal before the stream names the job."""
        with pytest.raises(Job.DoesNotExist, match=KEY):
            self.tail(reply(404, {"detail": "찾을 수 없습니다."}))

    def test_that_begin_with_an_error_of_a_job_that_exists(self):
        """What is wrong with the log is not wrong with the job."""
        error = {"type": "error", "message": "the agent is away"}
        with (
            canned({f"GET jobs/{KEY}/": {"id": KEY}, f"GET jobs/{KEY}/tail_console_logs/": [as_line(error)]}),
            pytest.raises(TransportError, match="the agent is away"),
        ):
            list(Job.ref(KEY).tail())

    def test_of_a_server_that_answers_with_a_page(self):
        """A page of a proxy is told as what it is, not as a stream that broke off."""
        page = reply(200, raw=b"<html><title>Sign in</title>", headers=[("Content-Type", "text/html")])
        with pytest.raises(TransportError, match="expected a stream, got text/html: .*Sign in"):
            self.tail(page)


class TestOddAnswers:
    @pytest.mark.parametrize("answer", [5, {"token": "s3cret"}, "text"])
    def test_of_a_console_are_told(self, answer):
        """A console that is no list of lines is an error that shows nothing of it."""
        session = canned({f"GET jobs/{KEY}/console_logs/": Reply(200, answer)})
        with session, pytest.raises(TransportError, match="expected its console's lines") as caught:
            Job.ref(KEY).console_logs()

        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("current", [[1], "half", None, {"percent": "x"}])
    def test_of_its_progress_mean_nothing_done(self, current):
        """A shape of progress that is not known is no progress."""
        row = {"id": KEY, "progress_record": {"current_progress": current}}
        with canned({f"GET jobs/{KEY}/": row}):
            assert 0.0 == Job.objects.get(KEY).percent

    def test_of_a_run_may_name_a_job_by_number(self):
        """Jobs of an older backend are read like any other."""
        with canned({"POST plugins/1/run/": {"job_id": 17}, "GET jobs/17/": {"id": 17, "status": "RUNNING"}}):
            job = Plugin.ref(1).run(action="go")

            assert ("17", "RUNNING") == (job.id, job.status)


class TestStop:
    def test_of_a_reference_is_one_request(self, session, make):
        """Nothing is read before or after."""
        row = make.job(status="RUNNING")

        with session.trace() as calls:
            Job.ref(str(row.pk)).stop()

        assert [("PATCH", f"/jobs/{row.pk}/", {"status": "STOPPED"})] == calls.sent
        assert 1 == len(calls)
        row.refresh_from_db()
        assert "STOPPED" == row.status

    def test_knows_its_new_status(self, session, make):
        """The answer is merged, and unsaved changes stay."""
        job = Job.objects.get(str(make.job(status="RUNNING").pk))
        job.result = {"mine": 1}

        job.stop()

        assert (JobStatus.STOPPED, {"result": {"mine": 1}}) == (job.status, job.changes)

    def test_leaves_an_ended_job_alone(self, session, make):
        """A job known to have ended is not marked as stopped."""
        job = Job.objects.get(str(make.job().pk))

        with assert_requests(0):
            assert JobStatus.SUCCEEDED == job.stop().status

    def test_ends_a_run(self, run):
        """The run gives way to the stop."""
        job = run(30)

        job.stop()

        assert JobStatus.STOPPED == job.wait(timeout=10).status

    def test_progress_is_reported_by_save(self, session, make):
        """What a plugin may write of its job is sent by `save()`."""
        row = make.job(status="RUNNING")
        job = Job.ref(str(row.pk))
        job.progress_record = {"current_progress": {"percent": 50}}

        job.save()

        row.refresh_from_db()
        assert (50.0, {"current_progress": {"percent": 50}}) == (job.percent, row.progress_record)


class TestStatus:
    @pytest.mark.parametrize("written", ["SUCCEEDED", "succeeded", JobStatus.SUCCEEDED])
    def test_is_asked_for_in_any_case(self, session, make, written):
        """Filters take the status as older backends spell it."""
        row = make.job()

        assert str(row.pk) in [job.id for job in Job.objects.filter(status=written)]

    def test_stays_text_where_it_is_new(self, session, make):
        """A status that this SDK does not know is kept as it came."""
        row = make.job(status="PAUSED")

        assert ("PAUSED", False) == ((job := Job.objects.get(str(row.pk))).status, job.has_ended)


class TestLogs:
    def test_are_written_with_this_moment(self, session, make):
        """An entry belongs to its job and has a time."""
        job = Job.objects.get(str(make.job().pk))

        made = job.logs.create(event="loaded", data=[1, "둘"], level="warning", step="s")

        assert ([made], [1, "둘"], "warning", "s") == (list(job.logs), made.data, made.level, made.step)
        assert made.datetime.tzinfo is not None

    def test_carry_a_file(self, session, make, tmp_path):
        """A path is sent as a data URI, and the file reads back as it was."""
        path = tmp_path / "plot.png"
        path.write_bytes(b"\x89PNG not really")

        made = JobLog.objects.create(job=str(make.job().pk), event="plot", file=path)

        assert b"\x89PNG not really" == made.file.read() == JobLog.objects.get(made.id).file.read()

    def test_are_created_by_the_dozen(self, session, make):
        """Entries travel in one request."""
        key = str(make.job().pk)
        now = datetime.now(UTC)

        with assert_requests(1):
            made = JobLog.objects.bulk_create(
                JobLog(job_id=key, event=f"{n}", datetime=now) for n in range(12)
            )

        assert [f"{n}" for n in range(12)] == [log.event for log in made]
