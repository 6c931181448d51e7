"""What a trace holds and how it prints."""

from __future__ import annotations

from synapse.session import Call, Trace


def traced(*calls: Call) -> Trace:
    """Return a trace of those calls."""
    trace = Trace()
    for call in calls:
        trace.record(call)
    return trace


READ = Call("GET", "https://h/api/tasks/?page=1", 200, 12.34, received=512, path="/tasks/")
WRITE = Call(
    "PATCH", "https://h/api/tasks/7/", 200, 5, sent=9, body={"name": "한", "token": "s3"}, path="/tasks/7/"
)
LOST = Call("GET", "https://other/file", None, 1, error="the connection was lost")


class TestCall:
    def test_prints_one_line(self) -> None:
        """A call prints its path, status, time and sizes."""
        assert "GET /tasks/?page=1 200 12.3 ms ↑0 ↓512" == str(READ)
        assert "GET https://other/file the connection was lost 1.0 ms ↑0 ↓0" == str(LOST)

    def test_prints_its_body_without_secrets(self) -> None:
        """A JSON body is shown as it was sent, but for its secrets."""
        assert 'PATCH /tasks/7/ 200 5.0 ms ↑9 ↓0 {"name": "한", "token": "***"}' == str(WRITE)
        assert "s3" not in f"{WRITE!r} {WRITE.body}"

    def test_shortens_a_long_body(self) -> None:
        """A long body is cut in print."""
        assert str(Call("POST", "https://h/", 200, 1, body=["x" * 500])).endswith("x…")


class TestTrace:
    def test_is_a_sequence(self) -> None:
        """A trace counts, indexes, slices and iterates."""
        trace = traced(READ, WRITE)

        assert (2, READ, [WRITE], [READ, WRITE]) == (len(trace), trace[0], trace[1:], list(trace))

    def test_lists_what_was_sent(self) -> None:
        """Writes are listed with method, path and body, without its secrets."""
        assert [("PATCH", "/tasks/7/", {"name": "한", "token": "***"})] == traced(READ, WRITE).sent

    def test_prints_a_line_a_call(self) -> None:
        """A trace prints its calls line by line, and says when there are none."""
        assert f"{READ}\n{LOST}" == str(traced(READ, LOST))
        assert f"<Trace of 1 calls>\n{READ}" == repr(traced(READ))
        assert ("no calls", "<Trace of 0 calls>") == (str(Trace()), repr(Trace()))
