"""Answers that do not end, or that unpack to more than there is memory: they cost what was allowed, and no more."""

from __future__ import annotations

import gzip
import itertools
import socket
import subprocess
import sys
import time
import zlib

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from synapse import Session, SynapseError, Task, TransportError, WriteUnconfirmedError
from synapse.dialects import Request
from synapse.session import Retry
from tests.faults.answers import ANNOUNCED, END, chunked, http, listed, packed
from tests.faults.tls import Certificates
from tests.servers import Received, Server, Step

LIMIT = 0.25
LONG = 3.0
"""Seconds that hold for an answer which has `LIMIT`, whatever else this machine does."""

GET, POST = Request("GET", "tasks/"), Request("POST", "tasks/", json={})
Open = Callable[[Server], Session]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open sessions with little patience, which repeat nothing."""
    made: list[Session] = []

    def make(speaker: Server) -> Session:
        limits = {"connect": 5, "read": LIMIT}
        made.append(
            Session(
                speaker.origin,
                api_token="token-0123456789",
                timeout=limits,
                retry=Retry(total=0),
                state_dir=False,
            )
        )
        return made[-1]

    yield make
    for session in made:
        session.close()


def dripping(ahead: bytes, drops: bytes = b"x", *, pause: float = 0.02) -> Step:
    """Send what is *ahead* at once, and then the same again and again, always in time."""

    def say(client: socket.socket, _: Received) -> None:
        client.sendall(ahead)
        for _drop in range(500):
            time.sleep(pause)
            client.sendall(drops)

    return say


def sent(client: socket.socket, content: bytes, pause: float) -> None:
    """Send something, and then nothing for a while."""
    client.sendall(content)
    time.sleep(pause)


def flooding(ahead: bytes, flood: bytes) -> Step:
    """Send as fast as it goes, for ever."""

    def say(client: socket.socket, _: Received) -> None:
        client.sendall(ahead)
        for _drop in itertools.count():
            client.sendall(flood)

    return say


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PARTS = {
    "the status line": dripping(b"", b"H"),
    "a header": dripping(HEAD + b"X-Long: "),
    "headers": dripping(HEAD, b"X: y\r\n"),
    "a body of known length": dripping(http(b"[", length=10_000)),
    "a body without a length": dripping(http(b"[", length="")),
    "a chunk": dripping(chunked(b"ffff\r\n")),
    "the size of a chunk": dripping(chunked(b""), b"0"),
    "the extension of a chunk": dripping(chunked(b"2;")),
    "chunks of one byte": dripping(chunked(b""), b"1\r\nx\r\n"),
    "trailers": dripping(chunked(b"2\r\n{}\r\n0\r\n"), b"X: y\r\n"),
    "announcements": dripping(b"", ANNOUNCED),
    "blocks of gzip that hold nothing": dripping(
        http(
            zlib.compressobj(wbits=31).flush(zlib.Z_SYNC_FLUSH), length="", more="Content-Encoding: gzip\r\n"
        ),
        b"\x00\x00\x00\xff\xff",
    ),
}
FLOODS = {
    "headers": flooding(HEAD, b"X: y\r\n" * 1000),
    "one header": flooding(HEAD + b"X: ", b"y" * 65536),
    "announcements": flooding(b"", ANNOUNCED * 1000),
    "the extension of a chunk": flooding(chunked(b"2;"), b"x" * 65536),
    "trailers": flooding(chunked(b"2\r\n{}\r\n0\r\n"), b"X: y\r\n" * 1000),
    "chunks of negative size": flooding(chunked(b"-1\r\n"), b"x" * 65536),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_drips_ends(opened: Open, part: str) -> None:
    """Wherever an answer drips, each byte in time, it ends with the read limit, and a write is unconfirmed."""
    with Server(PARTS[part], keep=False) as speaker:
        started = time.monotonic()
        with pytest.raises(TransportError, match=r"not whole within 0\.25 s"):
            opened(speaker).send(GET)
        with pytest.raises(WriteUnconfirmedError):
            opened(speaker).send(POST)

        assert time.monotonic() - started < 2 * LONG
        assert 2 == len(speaker.received)


@pytest.mark.parametrize("part", ["a header", "a body of known length", "trailers"])
def test_what_drips_through_tls_ends(certificates: Certificates, part: str) -> None:
    """TLS, which reads records rather than bytes, changes nothing."""
    with Server(PARTS[part], secure=certificates.server(), keep=False) as speaker:
        limits = {"connect": 5, "read": LIMIT}
        session = Session(
            speaker.origin,
            api_token="token-0123456789",
            verify=str(certificates.bundle),
            timeout=limits,
            retry=Retry(total=0),
            state_dir=False,
        )
        with pytest.raises(TransportError, match=r"not whole within 0\.25 s"):
            session.send(GET)
        session.close()


@pytest.mark.parametrize("part", FLOODS)
def test_what_floods_ends(opened: Open, part: str) -> None:
    """However fast an answer without end comes, it is given up."""
    with Server(FLOODS[part], keep=False) as speaker:
        started = time.monotonic()
        with pytest.raises(TransportError):
            opened(speaker).send(GET)

        assert time.monotonic() - started < LONG


@pytest.mark.parametrize("ahead", [b"", HEAD, http(b"[1", length=500), chunked(b"5\r\n[1")])
def test_what_stalls_ends(opened: Open, ahead: bytes) -> None:
    """So does one that stops coming, within its head or its body."""
    with Server(lambda client, _: sent(client, ahead, LONG), keep=False) as speaker:
        started = time.monotonic()
        with pytest.raises(TransportError, match=r"nothing came within|not whole within"):
            opened(speaker).send(GET)

        assert LIMIT <= time.monotonic() - started < LONG


def test_a_stalled_answer_is_asked_for_again(opened: Open) -> None:
    """Silence may be the line's: unlike a drip, it is worth another try."""
    with Server(keep=False) as speaker:
        whole = listed({"id": 7, "project": 1, "data_unit": 2})
        steps = iter([(whole[:-5], 4 * LIMIT), (whole, 0.0)])
        speaker.script = [lambda client, _: sent(client, *next(steps))]
        session = Session(
            speaker.origin,
            api_token="token-0123456789",
            timeout={"connect": 5, "read": LIMIT},
            retry=Retry(total=1, backoff=0),
            state_dir=False,
        )
        with session:
            assert 7 == session.send(GET).data["results"][0]["id"]
        session.close()

        assert 2 == len(speaker.received)


def test_a_page_that_drips_is_asked_for_in_parts(opened: Open) -> None:
    """A list may be had in smaller pages: they are asked for, and the backend that goes on dripping is given up."""
    with Server(PARTS["a body of known length"], keep=False) as speaker:
        with pytest.raises(TransportError, match="not whole within"):
            list(Task.objects.using(opened(speaker)).iterator(page_size=8))

        sizes = [line.rpartition("page_size=")[2] for line in speaker.lines]
        assert ["8", "4", "2"] == sizes


@cache
def bomb(kind: str) -> bytes:
    """An answer of a few kilobytes, or of some more in chunks, that holds 160 MiB."""
    blanks = b" " * SIZE
    if kind == "deflate":
        return packed(zlib.compress(blanks, level=9), "deflate")
    if kind == "gzip of many members":
        return packed(gzip.compress(b" " * (SIZE >> 4)) * 16)
    content = gzip.compress(blanks) if kind == "gzip" else bomb("gzip").partition(b"\r\n\r\n")[2]
    parts = (content[at : at + 5000] for at in range(0, len(content), 5000))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    wrapped = {
        "gzip": packed(content),
        "gzip in chunks": chunked(chunks + END, more="Content-Encoding: gzip\r\n"),
        "gzip in gzip": packed(gzip.compress(content), "gzip, gzip"),
        "a refusal": http(content, status="400 Bad Request", more="Content-Encoding: gzip\r\n"),
        "a page of a proxy": http(content, kind="text/html", more="Content-Encoding: gzip\r\n"),
    }
    return wrapped[kind]


SIZE = 160 << 20
BOMBS = (
    *(
        "gzip",
        "gzip of many members",
        "deflate",
        "gzip in chunks",
        "gzip in gzip",
        "a refusal",
        "a page of a proxy",
    ),
)
CHILD = """
import resource, sys, time
from synapse import Session, SynapseError
from synapse.dialects import Request
from synapse.session import Retry
session = Session(sys.argv[1], api_token="token-0123456789", retry=Retry(total=0), max_answer=32 << 20)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
try:
    session.send(Request("GET", "warm/"))
except SynapseError:
    pass
before = peak()
try:
    if sys.argv[2] == "download":
        with session.download(f"{sys.argv[1]}/file") as file:
            print(sum(map(len, file.chunks())) >> 20, "MiB", file=sys.stderr)
    elif sys.argv[2] == "lines":
        with session.lines(Request("GET", "jobs/1/tail_console_logs/")) as lines:
            list(lines)
    else:
        session.send(Request("GET", "tasks/"))
except SynapseError as error:
    print(type(error).__name__, str(error)[:200], file=sys.stderr)
print(peak() - before)
"""


def grown(speaker: Server, way: str) -> tuple[int, str]:
    """Run one request in a process of its own, and give the MiB that it grew by, and what it said."""
    command = [sys.executable, "-c", CHILD, speaker.origin, way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    return int(done.stdout), done.stderr


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_costs_what_is_allowed(kind: str) -> None:
    """160 MiB out of a few kilobytes cost no more than the 32 MiB that the session allows, and a little."""
    with Server(http(b"{}"), keep=False) as speaker:
        answers = iter([http(b"{}"), bomb(kind)])
        speaker.script = [lambda client, _: client.sendall(next(answers))]
        mib, said = grown(speaker, "send")

    assert mib <= 32 + 64
    assert any(words in said for words in ("larger than 32 MiB", "not asked for", "ValidationError"))


def test_a_packed_file_is_unpacked_in_pieces() -> None:
    """Files are as large as they are, and memory holds a piece of them."""
    with Server(keep=False) as speaker:
        answers = iter([http(b"{}"), bomb("gzip")])
        speaker.script = [lambda client, _: client.sendall(next(answers))]
        mib, said = grown(speaker, "download")

    assert ("160 MiB\n", True) == (said, mib <= 32)


def test_a_packed_stream_is_read_line_by_line() -> None:
    """A line without end is given up, however little it was packed to."""
    with Server(keep=False) as speaker:
        answers = iter([http(b"{}"), bomb("gzip").replace(b"application/json", b"text/event-stream")])
        speaker.script = [lambda client, _: client.sendall(next(answers))]
        mib, said = grown(speaker, "lines")

    assert "a line is longer than 16 MiB" in said
    assert mib <= 64 + 64


def test_the_limit_is_a_setting(opened: Open) -> None:
    """A session may read less, or more; the words say which setting that is."""
    with Server(http(b"[" + b"1," * 600 + b"1]"), keep=False) as speaker:
        small = Session(speaker.origin, api_token="token-0123456789", max_answer=1000, state_dir=False)
        with pytest.raises(
            TransportError, match=r"larger than 1,000 bytes, .* \(see max_answer=…\)"
        ) as caught:
            small.send(GET)
        small.close()

        assert caught.value.too_large
        assert 601 == len(opened(speaker).send(GET).data)


@pytest.mark.parametrize(
    "body", [b'{"' + b"k" * 200 + b'": [' * 1 + b"[" * 900 + b"]" * 900 + b"]}", b'{"a":{' * 300]
)
def test_refusals_are_told_in_bounded_words(opened: Open, body: bytes) -> None:
    """However deep and long a refusal is, it is an error of a few lines."""
    with (
        Server(http(body, status="400 Bad Request"), keep=False) as speaker,
        pytest.raises(SynapseError) as caught,
    ):
        opened(speaker).send(GET)

    assert len(str(caught.value)) < 2000
