"""What a misbehaving backend does in each case, and what came of it: here, and with the vendor's client 2026.2.17.

`python -m tests.interop.hostile_cases` prints the table of `docs/hardening.md`.
"""

from __future__ import annotations

import time
import zlib

from collections.abc import Callable
from functools import cache
from pathlib import Path
from socket import socket
from typing import Any, Final

import attrs

from tests.faults.hostile import Proxy, call, close
from tests.servers import Received, Step, cut, reply, reset

ROW: Final = {"id": 1, "title": "Cats"}
HTML: Final = (("Content-Type", "text/html"),)
SIZE: Final = 3 << 20
UPLOAD: Final = "7f3cbe3a-97d5-4c0f-8bd9-6f0cbd1b7a01"
LOST: Final = "ClientResponseIncompleteError"
UNUSABLE: Final = "ClientConnectionError"


@attrs.frozen
class Came:
    """What came of a case: the error raised or the value given, what a message holds, what the servers saw."""

    error: str | None = None
    value: str | None = None
    says: str = ""
    requests: int | None = None
    connections: int | None = None
    leaked: bool = False
    told: str = ""


@attrs.frozen
class Case:
    """One case: what happens in it, what the server answers, and what each client makes of it.

    *script* takes the address of this deed's server and of another host. Where *harm* is given instead, a real backend
    stands behind a proxy that does it; the path is that of the file being sent.
    """

    name: str
    what: str
    ours: Came
    theirs: Came
    script: Callable[[str, str], list[Step]] = lambda _here, _there: [reply(data=ROW)]
    harm: Callable[[Proxy, Path], object] | None = None


def page(rows: Any, **more: Any) -> bytes:
    """Answer with a page of a list."""
    return reply(data={"count": 300, "next": None, "previous": None, "results": rows, **more})


def rows(*keys: int) -> list[dict[str, int]]:
    """Make rows of these keys."""
    return [{"id": key} for key in keys]


def begun(there: str) -> bytes:
    """Answer to the first chunk of an upload, that is to go on at another host."""
    return reply(
        data={"id": UPLOAD, "url": f"{there}/chunked_upload/{UPLOAD}/", "offset": 1 << 20, "status": 1}
    )


def slowly(answer: bytes, *, last: int, pause: float) -> Step:
    """Send an answer, its last bytes one by one with a pause before each."""

    def step(connection: socket, _: Received) -> None:
        connection.sendall(answer[:-last])
        for byte in answer[-last:]:
            time.sleep(pause)
            connection.sendall(bytes((byte,)))

    return step


@cache
def zeros(mebibytes: int) -> bytes:
    """Pack that many mebibytes of nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


def rewrite(proxy: Proxy, path: Path) -> None:
    """Have the file overwritten, to the same size, when its second chunk arrives."""
    proxy.harm(r"PUT .*chunked_upload/", call(lambda: path.write_bytes(bytes(SIZE))), nth=2)


CASES: Final = (
    Case(
        "next_to_another_host",
        "`next` of a page leads to another host",
        Came(
            "ClientOriginError", requests=1, says="it was not followed", told="an error; nothing goes there"
        ),
        Came("KeyError", leaked=True, told="goes there, with the token"),
        lambda _, there: [page(rows(2, 1), next=f"{there}/sdk/tasks/?page=2")],
    ),
    Case(
        "redirect_to_another_host",
        "an answer redirects to another host",
        Came(
            "ClientOriginError", requests=1, says="it was not followed", told="an error; nothing goes there"
        ),
        Came(
            value=repr(ROW),
            leaked=True,
            told="goes there, with the token, and takes what it says for the row",
        ),
        lambda _, there: [reply(302, headers=[("Location", f"{there}/projects/1/")])],
    ),
    Case(
        "upload_to_another_host",
        "an upload is to go on at another host",
        Came(
            "ClientOriginError", requests=1, says="it was not followed", told="an error; nothing goes there"
        ),
        Came("ValidationError", leaked=True, told="sends the next chunk there, with the token"),
        lambda _, there: [begun(there)],
    ),
    Case(
        "token_with_a_line_break",
        "a token with a line break in it",
        Came("ConfigError", requests=0, says="line break", told="refused; the message has no part of it"),
        Came("ServerError", requests=0, says="500", told="a `ServerError` 500, though nothing was sent"),
    ),
    Case(
        "token_in_a_pickle",
        "a client is pickled",
        Came(value="False", told="without the token"),
        Came(value="True", told="with the token in clear"),
    ),
    Case(
        "token_in_what_a_debugger_shows",
        "a client's variables are shown, as error trackers do",
        Came(value="False", told="without the token"),
        Came(value="True", told="with the token in clear"),
    ),
    Case(
        "signed_address_in_the_log",
        "a signed address, with the log at DEBUG",
        Came(value="False", told="its signature is masked"),
        Came(value="True", told="the log has the signature"),
        lambda here, _: [
            reply(302, headers=[("Location", f"{here}/x/?X-Amz-Signature=planted")]),
            reply(data=ROW),
        ],
    ),
    Case(
        "login",
        "`synapse login`, where the umask is 0",
        Came(
            value="'0o700 0o600'",
            requests=1,
            told="a folder for its user alone; the token is asked about first, and never an argument",
        ),
        Came(
            value="'0o777 0o600'",
            requests=0,
            told="a folder that all can write in; the token is taken unasked, also as an argument",
        ),
    ),
    Case(
        "mistyped_filter",
        "a filter is mistyped",
        Came("QueryError", requests=0, says="did you mean 'project'?", told="refused, with the right name"),
        Came(value="300", requests=1, told="gives the rows of everything"),
        lambda _, __: [page(rows(2, 1))],
    ),
    Case(
        "key_that_walks_the_path",
        '`get_project("../admin")`',
        Came("QueryError", requests=0, says="takes an integer", told="refused"),
        Came(value=repr(ROW), requests=1, told="asks for `/admin/`, with the token"),
    ),
    Case(
        "no_key",
        "`get_project(None)`",
        Came("QueryError", requests=0, says="takes an integer", told="refused"),
        Came(value=repr(ROW), requests=1, told="asks for `/projects/None/`"),
    ),
    Case(
        "page_of_a_proxy",
        "a proxy answers with its sign-in page, status 200",
        Came(UNUSABLE, requests=1, says="not JSON", told="an error that shows its beginning"),
        Came(value="'<html>Please sign in</html>'", told="gives the page for the row"),
        lambda _, __: [reply(raw=b"<html>Please sign in</html>", headers=HTML)],
    ),
    Case(
        "empty_answer",
        "an empty answer, status 200",
        Came(UNUSABLE, requests=1, says="expected an object", told="an error"),
        Came(value="''", told="gives `''` for the row"),
        lambda _, __: [reply(raw=b"")],
    ),
    Case(
        "no_content_for_rows",
        "204 where rows belong",
        Came(UNUSABLE, requests=1, says="'results'", told="an error"),
        Came("AttributeError", told="`AttributeError`"),
        lambda _, __: [b"HTTP/1.1 204 No Content\r\n\r\n"],
    ),
    Case(
        "answer_cut_short",
        "every answer breaks off",
        Came(UNUSABLE, requests=4, says="broke off", told="asks again 3 times, then an error"),
        Came(UNUSABLE, requests=1, told="an error, and does not ask again"),
        lambda _, __: [cut(reply(data={**ROW, "title": "x" * 100}), at=50)],
    ),
    Case(
        "answer_that_drips",
        "an answer comes byte by byte, for 2 s; the limit is 1 s",
        Came("ClientTimeoutError", says="not whole within 1 s", told="an error after 1 s"),
        Came(value=repr(ROW), told="waits for as long as bytes come"),
        lambda _, __: [slowly(reply(data=ROW), last=8, pause=0.25)],
    ),
    Case(
        "bomb",
        "an answer of 0.5 MB unpacks to 500 MiB; there are 400 MiB",
        Came(UNUSABLE, says="larger than 256 MiB", told="an error at 256 MiB"),
        Came("MemoryError", told="`MemoryError`"),
        lambda _, __: [reply(raw=zeros(500), headers=[("Content-Encoding", "gzip")])],
    ),
    Case(
        "deep_json",
        "JSON that is nested 100,000 deep",
        Came(UNUSABLE, requests=1, says="not JSON", told="an error"),
        Came("RecursionError", told="`RecursionError`"),
        lambda _, __: [reply(raw=b"[" * 100_000 + b"]" * 100_000)],
    ),
    Case(
        "results_missing",
        "a page without `results`",
        Came(UNUSABLE, requests=1, says="expected a page", told="an error that says what came"),
        Came("KeyError", told="`KeyError`"),
        lambda _, __: [reply(data={"detail": "ok"})],
    ),
    Case(
        "results_null",
        "`results` is null",
        Came(UNUSABLE, requests=1, says="expected a page", told="an error that says what came"),
        Came("TypeError", told="`TypeError`"),
        lambda _, __: [page(None)],
    ),
    Case(
        "next_that_loops",
        "every page is the same, and says that there is a next one",
        Came(UNUSABLE, requests=1, says="not those that were asked for", told="an error"),
        Came(value="1000", told="gives the same rows for ever (stopped after 1,000)"),
        lambda here, _: [page(rows(*range(1, 101)), count=10**6, next=f"{here}/sdk/tasks/?page=2")],
    ),
    Case(
        "answer_of_a_creation_lost",
        "the connection is reset after a creation was sent",
        Came(LOST, requests=1, says="may or may not have happened", told="sent once, and said so"),
        Came(LOST, requests=1, told="sent once, and said so"),
        lambda _, __: [reset],
    ),
    Case(
        "gateway_fails_after_a_creation",
        "a gateway answers a creation with 502",
        Came(LOST, requests=1, says="may or may not have happened", told="sent once, and said so"),
        Came("ServerError", requests=4, told="sent 4 times"),
        lambda _, __: [reply(502, raw=b"<html>Bad gateway</html>", headers=HTML)],
    ),
    Case(
        "creation_answered_by_a_page",
        "a creation is answered by HTML, status 200",
        Came(LOST, requests=1, says="may or may not have happened", told="sent once; not taken for done"),
        Came(value="'<html>ok</html>'", told="gives the page for the row"),
        lambda _, __: [reply(raw=b"<html>ok</html>", headers=HTML)],
    ),
    Case(
        "answer_of_a_chunk_lost",
        "the answer to one chunk of an upload is lost",
        Came(value="'the file'", told="asks how far it has come, and goes on"),
        Came("ValidationError", told="sends the chunk again, is refused, and gives up"),
        harm=lambda proxy, _: proxy.harm(r"PUT .*chunked_upload/", close, of="answer", nth=2),
    ),
    Case(
        "file_rewritten_while_it_is_sent",
        "a file is overwritten while it is sent",
        Came("TransferError", says="changed", told="an error; the upload is not finished"),
        Came(
            value="'no file that ever was'",
            told="stores the old beginning with the new end, as done",
        ),
        harm=rewrite,
    ),
    Case(
        "too_many_requests",
        "429 with `Retry-After: 1`",
        Came(value=repr(ROW), requests=2, told="waits, and asks again"),
        Came(value=repr(ROW), requests=2, told="waits, and asks again"),
        lambda _, __: [reply(429, {"detail": "slow"}, headers=[("Retry-After", "1")]), reply(data=ROW)],
    ),
    Case(
        "fork_after_use",
        "a process forks after it used the client",
        Came(value=repr(ROW), connections=2, told="the child has a connection of its own"),
        Came(
            value=repr(ROW),
            connections=1,
            told="parent and child share a connection: answers can cross",
        ),
    ),
    Case(
        "threads",
        "32 threads, 20 calls each",
        Came(value="[]", requests=640, told="8 connections at most (`workers`)"),
        Came(value="[]", requests=640, told="as many connections as threads that ask at once"),
    ),
)


def table() -> str:
    """Write the cases as a table."""
    head = "| case | here | the vendor's client |\n| --- | --- | --- |\n"
    return head + "".join(f"| {each.what} | {each.ours.told} | {each.theirs.told} |\n" for each in CASES)


if __name__ == "__main__":
    print(table(), end="")
