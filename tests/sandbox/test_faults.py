"""Faults on demand: what is said, which requests are hit, and what a client sees of it."""

from __future__ import annotations

import io
import time

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from synapse.sandbox import FaultsError, Sandbox, serve
from synapse.sandbox.backend.misbehaving import identity
from synapse.sandbox.faults import Faults
from tests.sandbox.wire import Wire


@pytest.fixture
def box(served: Sandbox) -> Iterator[Sandbox]:
    """A sandbox that behaves again afterwards."""
    yield served
    served.set_faults("")


def titles(wire: Wire) -> list[str]:
    """Name every project."""
    return [row["title"] for row in wire.get("projects/?page_size=1000")["results"]]


class TestParse:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("", ""),
            ("seed=5", ""),
            (
                "latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=5",
                "latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=5",
            ),
            (" DROP@after = 1 , retry-after=0s,seed=5", "drop@after=1,retry-after=0s,seed=5"),
            ("latency@after=1.5s,503=0.1,503=0.2,seed=5", "latency@after=1500ms,503=0.2,seed=5"),
            ("503@before=0.1,drop@before=0.2,seed=5", "503=0.1,drop=0.2,seed=5"),
        ],
    )
    def test_reads_what_it_writes(self, text: str, read: str) -> None:
        """In one spelling, the last of two wins."""
        assert (read, read) == (str(Faults.parse(text)), str(Faults.parse(read)))

    def test_chooses_a_seed_and_tells_it(self) -> None:
        """So that a failing run can be repeated without having thought of it before."""
        told = str(Faults.parse("drop=0.5"))

        assert "drop=0.5,seed=" == told.rstrip("0123456789")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("429", "no share"),
            ("429=5%", "no share"),
            ("drop=1.1", "no share"),
            ("drop=nan", "no share"),
            ("latency=50", "no time"),
            ("latency=1h", "no time"),
            ("latency=601s", "no time"),
            ("200=0.1", "no fault"),
            ("late=1s", "did you mean 'latency'\\?\\): write them as in"),
            ("seed=x", "no seed"),
            ("seed=" + "9" * 5_000, "no seed"),
            ("latancy=1s", "did you mean 'latency'"),
            ("dorp@after=0.1", "did you mean 'drop@after'"),
            ("503@affter=0.1", "did you mean '503@after'"),
            ("retry_after=1s", "did you mean 'retry-after'"),
            ("429@after=0.1", "would be a lie"),
        ],
    )
    def test_refuses_the_rest(self, text: str, words: str) -> None:
        """Each item by its own words."""
        with pytest.raises(FaultsError, match=words):
            Faults.parse(text)


class TestWhichRequests:
    def test_are_as_many_as_said(self) -> None:
        """A share of the requests, whatever they are."""
        faults = Faults.parse("429=0.05,drop=0.1,seed=3")
        hit = [faults.hitting(f"GET /tasks/{number}/?", 1) for number in range(10_000)]

        assert [500, 1000] == pytest.approx(
            [sum(f is not None and f.name == n for f in hit) for n in ("429", "drop")], rel=0.2
        )

    def test_are_the_same_in_the_next_run(self) -> None:
        """By the seed, the request and how often it came; another seed hits others."""
        asked = [(f"GET /tasks/?page={page}", number) for page in range(50) for number in (1, 2)]
        runs = [[Faults.parse(f"503=0.3,seed={seed}").hitting(*each) for each in asked] for seed in (1, 1, 2)]

        assert (True, False) == (runs[0] == runs[1], runs[0] == runs[2])

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("/jobs/9f0c2a4e-1b7d-4c7e-8a53-0f6f0c1d2e3f/", ""),
            ("/jobs/00000000-0000-4000-8000-000000000000/", "sig=x"),
        ],
    )
    def test_are_known_by_what_does_not_change(self, path: str, query: str) -> None:
        """Keys that are made at random, and signatures, are others in each run."""
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}

        assert "GET /jobs/*/?" == identity(environ | {"wsgi.input": io.BytesIO()})

    def test_are_told_apart_by_their_bodies(self) -> None:
        """But for what each run makes anew: keys, moments, the boundary between parts."""
        bodies = [
            ("", b'{"name": "a"}'),
            ("", b'{"name": "b"}'),
            ("", b'{"upload": "9f0c2a4e-1b7d-4c7e-8a53-0f6f0c1d2e3f", "at": "2026-11-30T13:50:31.5Z"}'),
            ("", b'{"upload": "00000000-1b7d-4c7e-8a53-0f6f0c1d2e3f", "at": "2026-12-01T08:00:00Z"}'),
            ("multipart/form-data; boundary=abc", b"--abc\r\n\r\nx\r\n--abc--"),
            ("multipart/form-data; boundary=xyz", b"--xyz\r\n\r\nx\r\n--xyz--"),
        ]
        usual = {"REQUEST_METHOD": "POST", "PATH_INFO": "/a/", "QUERY_STRING": ""}
        names = [
            identity({**usual, "CONTENT_TYPE": kind, "wsgi.input": io.BytesIO(body)}) for kind, body in bodies
        ]

        assert [0, 1, 2, 2, 4, 4] == [names.index(name) for name in names]

    def test_do_not_depend_on_the_order_of_threads(self, box: Sandbox, wire: Wire) -> None:
        """Each page has its own fate."""
        box.set_faults("429=0.3,retry-after=0s,seed=11")
        pages = [f"tasks/?page=1&page_size={size}" for size in range(1, 31)]
        alone = [wire.send("GET", page).status_code for page in pages]
        box.set_faults("429=0.3,retry-after=0s,seed=11")
        with ThreadPoolExecutor(8) as pool:
            mixed = list(pool.map(lambda page: wire.send("GET", page).status_code, reversed(pages)))

        assert alone == mixed[::-1]
        assert {200, 429} == set(alone)

    @pytest.mark.parametrize("kind", ["429", "503@after", "drop", "drop@after"])
    def test_are_the_same_rows_with_eight_threads(self, box: Sandbox, wire: Wire, kind: str) -> None:
        """Rows that are created at one address are told apart by what they hold."""

        def is_hit(number: int) -> bool:
            try:
                return wire.post("projects/", {"title": f"row {number}"}).status_code != 201
            except requests.ConnectionError:
                return True

        runs = []
        for threads in (1, 8):
            box.set_faults(f"{kind}=0.4,retry-after=0s,seed=3")
            with ThreadPoolExecutor(threads) as pool:
                runs.append(list(pool.map(is_hit, range(20))))

        assert runs[0] == runs[1]
        assert {True, False} == set(runs[0])

    def test_are_none_for_people(self, box: Sandbox) -> None:
        """The pages for a browser behave; the one at `/` says what is going on."""
        told = box.set_faults("500=1,seed=1")

        home = requests.get(f"{box.url}/", timeout=30)
        assert (200, True) == (home.status_code, told in home.text)
        assert 200 == requests.get(f"{box.admin_url}login/", timeout=30).status_code


class TestBefore:
    def test_nothing_is_done(self, box: Sandbox, wire: Wire) -> None:
        """A refusal in the backend's own words, with the time to wait."""
        box.set_faults("503=1,retry-after=2s")
        answer = wire.post("projects/", {"title": "not done"})
        box.set_faults("")

        assert (503, "2", {"detail": "This is a fault on demand."}) == (
            answer.status_code,
            answer.headers["Retry-After"],
            answer.json(),
        )
        assert "not done" not in titles(wire)

    def test_gateways_speak_for_themselves(self, box: Sandbox, wire: Wire) -> None:
        """A 502 is a page, and says which fault it is."""
        box.set_faults("502=1")
        answer = wire.send("GET", "projects/")

        assert ("<html><body><h1>502 Bad Gateway</h1></body></html>", "502") == (
            answer.text,
            answer.headers["Synapse-Sandbox-Fault"],
        )

    def test_dropped(self, box: Sandbox, wire: Wire) -> None:
        """The connection ends without an answer, and nothing is done."""
        box.set_faults("drop=1")
        with pytest.raises(requests.ConnectionError):
            wire.post("projects/", {"title": "dropped before"})
        box.set_faults("")

        assert "dropped before" not in titles(wire)


class TestAfter:
    def test_it_is_done(self, box: Sandbox, wire: Wire) -> None:
        """A gateway gave up, the backend did not."""
        box.set_faults("503@after=1")
        answer = wire.post("projects/", {"title": "done"})
        box.set_faults("")

        assert (503, None, "503@after") == (
            answer.status_code,
            answer.headers.get("Retry-After"),
            answer.headers["Synapse-Sandbox-Fault"],
        )
        assert "done" in titles(wire)

    def test_dropped(self, box: Sandbox, wire: Wire) -> None:
        """The row is there, the answer is not."""
        box.set_faults("drop@after=1")
        with pytest.raises(requests.ConnectionError):
            wire.post("projects/", {"title": "dropped after"})
        box.set_faults("")

        assert "dropped after" in titles(wire)


class TestLatency:
    @pytest.mark.parametrize("when", ["latency", "latency@after"])
    def test_is_waited_for(self, box: Sandbox, wire: Wire, when: str) -> None:
        """Every answer comes late, and is right."""
        box.set_faults(f"{when}=80ms")
        started = time.monotonic()
        answer = wire.get("users/me/")

        assert (True, "first") == (time.monotonic() - started >= 0.08, answer["tenant"])


class TestChanging:
    def test_block_puts_back_what_was(self, box: Sandbox, wire: Wire) -> None:
        """`misbehave()` lasts as long as its block."""
        box.set_faults("502=1,seed=1")
        with box.misbehave("504=1,seed=2") as told:
            inside = wire.send("GET", "projects/").status_code

        assert ("504=1,seed=2", 504, "502=1,seed=1", 502) == (
            told,
            inside,
            box.faults,
            wire.send("GET", "projects/").status_code,
        )

    def test_by_hand(self, box: Sandbox, wire: Wire) -> None:
        """Whoever started it from the command line writes the file; what can't be read changes nothing."""
        file = box.data / "faults.txt"
        file.write_text("502=1")
        first = wire.send("GET", "projects/").status_code
        file.write_text("nonsense")
        second = wire.send("GET", "projects/").status_code
        file.unlink()

        assert (502, 502, 200) == (first, second, wire.send("GET", "projects/").status_code)

    def test_wrong_ones_are_refused_at_once(self, box: Sandbox) -> None:
        """By the one who says them."""
        with pytest.raises(FaultsError, match="'late=1' is no fault"):
            box.set_faults("late=1")

        assert "" == box.faults


class TestServe:
    def test_takes_them(self) -> None:
        """From the first request on; the handle tells the seed."""
        with serve(faults="502=1,seed=4") as sandbox:
            answer = Wire(sandbox.url).send("GET", "projects/")

            assert ("502=1,seed=4", 502) == (sandbox.faults, answer.status_code)

    @pytest.mark.parametrize("options", [{"faults": "nonsense"}, {"faults": "429@after=1"}])
    def test_refuses_what_it_cannot_read(self, options: dict[str, Any]) -> None:
        """Before a process is started."""
        with pytest.raises(FaultsError), serve(**options):
            pass
