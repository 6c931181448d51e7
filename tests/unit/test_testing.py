"""The public test kit: canned replies, and a count of requests."""

from __future__ import annotations

import pytest

from synapse import ConfigError, DataFile, NotFoundError, Plugin, RemoteFile, Task, TaskTag
from synapse.dialects import Reply, Request, v1_actions
from synapse.testing import HOST, assert_requests, canned, page

ROW = {"id": 5, "project": 1, "data_unit": 9}


class TestCanned:
    def test_answers_by_method_and_path(self):
        """A reply is found without its query, which then may be anything."""
        session = canned({"GET tasks/5/": ROW})

        assert (1, 1) == (
            Task.objects.using(session).get(5).project_id,
            Task.objects.using(session).select_related("data_unit").get(5).project_id,
        )

    def test_answers_the_usual_api_whatever_the_environment_says(self, monkeypatch):
        """A test means the same in each shell."""
        monkeypatch.setenv("SYNAPSE_API", "v2")

        assert 1 == Task.objects.using(canned({"GET tasks/5/": ROW})).get(5).project_id

    def test_needs_no_answer_for_what_only_helps(self):
        """A request that is optional is told that there is nothing, and is not counted."""
        session = canned({"POST plugins/5/run/": {"job_id": "a"}})
        with session:
            job = Plugin.ref(5).run(action="go")

        assert ("a", ["POST"]) == (job.id, [request.method for request in session.requests])

    def test_prefers_the_answer_with_the_query(self):
        """An answer for one query goes before that for any."""
        session = canned({"GET tasks/5/": ROW, "GET tasks/5/?expand=data_unit": {**ROW, "project": 2}})

        assert 2 == Task.objects.using(session).select_related("data_unit").get(5).project_id

    def test_raises_what_was_put_down(self):
        """An exception stands for a refusal or a failure."""
        session = canned({"GET tasks/5/": NotFoundError("Not found.", status_code=404)})

        with pytest.raises(Task.DoesNotExist):
            Task.objects.using(session).get(5)

    def test_asks_a_function(self):
        """A function of the request may look at it, and give any kind of answer."""

        def answer(request: Request) -> object:
            return {**ROW, "id": int(request.path.split("/")[1])}

        session = canned(
            {"GET tasks/6/": answer, "GET tasks/7/": lambda _: NotFoundError("gone", status_code=404)}
        )

        assert 6 == Task.objects.using(session).get(6).id
        with pytest.raises(Task.DoesNotExist):
            Task.objects.using(session).get(7)

    def test_takes_whole_replies(self):
        """A `Reply` is given as it is."""
        session = canned({"GET tasks/5/": Reply(200, ROW)})

        assert 5 == Task.objects.using(session).get(5).id

    def test_keeps_what_was_put_down_from_changing(self):
        """Each answer is a copy: no test sees what another one did to its rows."""
        session = canned({"GET tasks/5/": {**ROW, "meta": {"k": [1]}}})
        Task.objects.using(session).get(5).meta["k"].append(2)

        assert {"k": [1]} == Task.objects.using(session).get(5).meta

    def test_refuses_what_nothing_was_put_down_for(self):
        """The failure names the request, and what there is."""
        session = canned({"GET tasks/5/": ROW})

        with pytest.raises(AssertionError, match=r"GET tasks/6/; there is:\n  GET tasks/5/"):
            Task.objects.using(session).get(6)
        with pytest.raises(AssertionError, match="there is:\n  nothing"):
            Task.objects.using(canned({})).get(6)

    @pytest.mark.parametrize("answer", [["data: 1", ""], "data: 1\n\n"], ids=["lines", "text"])
    def test_gives_the_lines_of_a_stream(self, answer):
        """A stream is put down as its lines, and counts as a request."""
        session = canned({"GET jobs/a/tail_console_logs/": answer})
        with session.trace() as calls, session.lines(Request("GET", "jobs/a/tail_console_logs/")) as lines:
            assert ["data: 1", ""] == list(lines)

        assert ["/jobs/a/tail_console_logs/"] == [call.path for call in calls]

    def test_gives_the_bytes_of_a_file(self):
        """A file is put down as its bytes under its address, with or without its signature."""
        session = canned({"GET https://h/a.png": b"0123456789"})
        file = RemoteFile(url="https://h/a.png?sig=s3cret", session=session)

        assert b"0123456789" == file.read()

    def test_goes_on_from_a_byte_of_a_file(self):
        """A download may begin anywhere, as with a server that takes ranges."""
        session = canned({"GET https://h/a.png": b"0123456789"})
        with session.download("https://h/a.png", start=7) as download:
            assert (206, 10, [b"78", b"9"]) == (download.status, download.size, list(download.chunks(2)))

    @pytest.mark.parametrize(
        "answers", [{}, {"GET https://h/a": {}, "GET jobs/a/": {}}], ids=["nothing", "JSON"]
    )
    def test_never_goes_to_the_network(self, answers):
        """What is no stream or file, or was not put down at all, fails in the test."""
        session = canned(answers)
        with pytest.raises(AssertionError, match="https://h/a"), session.download("https://h/a"):
            pass
        with pytest.raises(AssertionError, match="jobs/a"), session.lines(Request("GET", "jobs/a/")):
            pass

    def test_puts_nothing_anywhere(self, tmp_path):
        """A file that is put to a signed address gets the answer that was put down for it, and reaches nobody."""
        (tmp_path / "a.png").write_bytes(b"picture")
        place = {"file_key": "k", "presigned_url": "https://store.invalid/k?sig=1"}
        session = canned(
            {
                "POST data_files/presigned_upload/upload/": {"files": [place]},
                "PUT https://store.invalid/k": None,
                "POST data_files/presigned_upload/confirm_upload/": {
                    "results": [{"file_key": "k", "success": True, "data_file_id": 7}]
                },
            }
        )

        assert 7 == DataFile.objects.using(session).upload(tmp_path / "a.png", presigned=True).id

    def test_masks_what_it_shows(self):
        """An agent's token stands neither in the trace nor in the failure."""
        session, token = canned({f"POST agents/{'f' * 40}/connect/": {}}), "f" * 40
        with session.trace() as calls, pytest.raises(AssertionError) as caught:
            session.send(v1_actions.connect(token))
            session.send(v1_actions.connect("e" * 40))

        assert token not in f"{calls} {calls[0]!r} {caught.value}"
        assert "e" * 40 not in str(caught.value)

    def test_keeps_every_request(self):
        """`requests` holds what was asked, bodies included."""
        session = canned({"POST task_tags/": {"id": 1, "project": 3, "name": "a"}})

        TaskTag.objects.using(session).create(project_id=3, name="a")

        (request,) = session.requests
        assert ("POST", "task_tags/", "a") == (request.method, request.path, request.json["name"])

    def test_becomes_current_and_closes_like_any_session(self):
        """It is a session: current in a `with` block, and refused once closed."""
        with canned({"GET tasks/5/": ROW}) as session:
            assert 5 == Task.objects.get(5).id
            session.close()
            with pytest.raises(ConfigError, match="closed"):
                Task.objects.get(5)

    def test_takes_the_settings_of_a_session(self):
        """Settings such as the page size are those of any session."""
        session = canned({"GET sdk/tasks/": page()}, page_size=7)

        list(Task.objects.using(session))

        assert session.requests[0].target.endswith("page_size=7")

    def test_shows_no_token(self):
        """Its made-up token is treated like a real one."""
        assert "<Session https://canned.invalid>" == repr(canned({}))


class TestPage:
    def test_counts_its_rows(self):
        """A page is a whole list unless it is told otherwise."""
        assert {"count": 2, "next": None, "previous": None, "results": [{"id": 1}, {"id": 2}]} == page(
            {"id": 1}, {"id": 2}
        )

    def test_may_be_one_of_many(self):
        """The count and the link to the next page can be given."""
        made = page({"id": 1}, count=9, next=f"{HOST}/tasks/?page=2")

        assert (9, f"{HOST}/tasks/?page=2") == (made["count"], made["next"])


class TestAssertRequests:
    def test_passes_and_gives_the_trace(self):
        """The calls that were made can be looked at."""
        with canned({"GET tasks/5/": ROW, "DELETE tasks/5/": None}), assert_requests(2) as calls:
            Task.objects.get(5).delete()

        assert [("GET", "/tasks/5/"), ("DELETE", "/tasks/5/")] == [(call.method, call.path) for call in calls]
        assert [("DELETE", "/tasks/5/", None)] == calls.sent

    def test_shows_what_was_refused(self):
        """A canned refusal is traced with its status."""
        session = canned({"GET tasks/5/": NotFoundError("gone", status_code=404)})

        with assert_requests(1, session=session) as calls, pytest.raises(Task.DoesNotExist):
            Task.objects.using(session).get(5)

        assert [404] == [call.status for call in calls]

    @pytest.mark.parametrize("expected", [0, 2])
    def test_fails_with_a_list_of_the_calls(self, expected: int):
        """Too many or too few requests fail, and are listed."""
        session = canned({"GET tasks/5/": ROW})

        message = f"expected {expected} requests, saw 1:\nGET /tasks/5/ 200"
        with pytest.raises(AssertionError, match=message), assert_requests(expected, session=session):
            Task.objects.using(session).get(5)

    def test_lets_errors_through(self):
        """An error inside the block is raised itself, not hidden by the count."""
        with canned({}), pytest.raises(ZeroDivisionError), assert_requests(1):
            1 / 0

    def test_counts_one_session_only(self):
        """What another session sends does not count."""
        other = canned({"GET tasks/5/": ROW})

        with canned({}), assert_requests(0):
            Task.objects.using(other).get(5)
