"""One script for both clients: what each does when the backend, or whoever calls it, misbehaves.

Run as `python hostile_deeds.py NAME`: addresses on stdin, a JSON line for each deed on stdout. Only the import of the
client differs, and that neither may wait long between its tries.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Deed = Callable[["World"], Any]

MOST = 1000
DEEDS: dict[str, Deed] = {}


class World:
    """The client's name, and the address of a server for each deed."""

    def __init__(self, name: str, given: dict[str, Any]) -> None:
        self.name = name
        self.urls = given["urls"]
        self.token = given["token"]
        self.file = Path(given["file"])
        self.deed = ""

    def client(self, *, token: str = "", read: float = 1) -> Any:
        """Make a client of this deed's server."""
        url, token = self.urls[self.deed], token or self.token
        timeout = {"connect": 2, "read": read}
        if self.name == "synapse":
            from synapse import BackendClient
            from synapse.session import Retry

            return BackendClient(
                url, access_token=token, timeout=timeout, retry=Retry(total=3, backoff=0.001)
            )
        from synapse_sdk.clients.backend import BackendClient as Documented

        client = Documented(url, access_token=token, timeout=timeout)
        client._retry_config["backoff_factor"] = 0
        return client

    def walk(self) -> int:
        """Read all tasks, but no more than `MOST`, and tell how many came."""
        rows, _ = self.client().list_tasks(list_all=True)
        return sum(1 for _ in itertools.islice(rows, MOST))

    def upload(self) -> str:
        """Upload the file that lies ready, in three chunks, and tell what the backend has then."""
        before = self.file.read_bytes()
        done = self.client().create_chunked_upload(self.file, chunk_size=1 << 20)
        request = urllib.request.Request(
            done["file"], headers={"Synapse-Access-Token": f"Token {self.token}"}
        )
        with urllib.request.urlopen(request) as answer:
            stored = answer.read()
        names = {self.file.read_bytes(): "the file as it is now", before: "the file"}
        return names.get(stored, "no file that ever was")


def deed(function: Deed) -> Deed:
    """Add a deed to those that are done."""
    DEEDS[function.__name__] = function
    return function


# --- where the token goes ---------------------------------------------------------------------------------------------
@deed
def next_to_another_host(world: World) -> Any:
    return world.walk()


@deed
def redirect_to_another_host(world: World) -> Any:
    return world.client().get_project(1)


@deed
def upload_to_another_host(world: World) -> Any:
    return world.upload()


@deed
def token_with_a_line_break(world: World) -> Any:
    return world.client(token=f"{world.token}\r\nX-Planted: 1").get_project(1)


@deed
def token_in_a_pickle(world: World) -> Any:
    return world.token.encode() in pickle.dumps(world.client())


@deed
def token_in_what_a_debugger_shows(world: World) -> Any:
    client = world.client()
    return world.token in f"{client!r} {client} {vars(client)!r}"


@deed
def signed_address_in_the_log(world: World) -> Any:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        world.client().get_project(1)
    finally:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
    return "planted" in text.getvalue()


@deed
def login(world: World) -> Any:
    command = [Path(sys.executable).with_name("synapse"), "login", "--host", world.urls[world.deed]]
    arguments = ["--token-stdin"] if world.name == "synapse" else ["--token", world.token]
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [*command, *arguments],
            input=world.token,
            capture_output=True,
            text=True,
            env={**os.environ, "HOME": home},
            umask=0,
        )
        file = Path(home, ".synapse", "config.json")
        modes = (
            [oct(each.stat().st_mode & 0o777) for each in (file.parent, file)]
            if file.exists()
            else done.stderr
        )
    return " ".join(modes)


# --- what is asked ----------------------------------------------------------------------------------------------------
@deed
def mistyped_filter(world: World) -> Any:
    return world.client().list_tasks(params={"projct": 1})["count"]


@deed
def key_that_walks_the_path(world: World) -> Any:
    return world.client().get_project("../admin")


@deed
def no_key(world: World) -> Any:
    return world.client().get_project(None)


# --- answers ----------------------------------------------------------------------------------------------------------
@deed
def page_of_a_proxy(world: World) -> Any:
    return world.client().get_project(1)


@deed
def empty_answer(world: World) -> Any:
    return world.client().get_project(1)


@deed
def no_content_for_rows(world: World) -> Any:
    return world.walk()


@deed
def answer_cut_short(world: World) -> Any:
    return world.client().get_project(1)


@deed
def answer_that_drips(world: World) -> Any:
    return world.client().get_project(1)


@deed
def bomb(world: World) -> Any:
    return limited(lambda: world.client(read=20).get_project(1), memory=400 << 20)


@deed
def deep_json(world: World) -> Any:
    return world.client().get_project(1)


@deed
def results_missing(world: World) -> Any:
    return world.walk()


@deed
def results_null(world: World) -> Any:
    return world.walk()


@deed
def next_that_loops(world: World) -> Any:
    return world.walk()


# --- writes -----------------------------------------------------------------------------------------------------------
@deed
def answer_of_a_creation_lost(world: World) -> Any:
    return world.client().create_tasks({"project": 1, "data": [{"data_unit": 1}]})


@deed
def gateway_fails_after_a_creation(world: World) -> Any:
    return world.client().create_tasks({"project": 1, "data": [{"data_unit": 1}]})


@deed
def creation_answered_by_a_page(world: World) -> Any:
    return world.client().create_tasks({"project": 1, "data": [{"data_unit": 1}]})


@deed
def answer_of_a_chunk_lost(world: World) -> Any:
    return world.upload()


@deed
def file_rewritten_while_it_is_sent(world: World) -> Any:
    return world.upload()


@deed
def too_many_requests(world: World) -> Any:
    return world.client().get_project(1)


# --- processes --------------------------------------------------------------------------------------------------------
@deed
def fork_after_use(world: World) -> Any:
    client = world.client()
    client.get_project(1)
    told = limited(lambda: client.get_project(2))
    client.get_project(3)
    return told


@deed
def threads(world: World) -> Any:
    client, problems = world.client(), []

    def work() -> None:
        try:
            for _ in range(20):
                client.get_project(1)
        except Exception as error:
            problems.append(type(error).__name__)

    crowd = [threading.Thread(target=work) for _ in range(32)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return sorted(set(problems))


def limited(function: Callable[[], Any], *, memory: int = 0) -> Any:
    """Do something in a child process, which may have only so much more memory, and tell what came of it there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if memory:
                used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + memory, resource.RLIM_INFINITY))
            told = tell(function)
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            os.write(writing, json.dumps(told).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return Told(json.loads(said) if said else {"error": "the process died", "text": ""})


class Told(dict[str, Any]):
    """What came of a deed, told by a child process."""


def tell(function: Callable[[], Any]) -> dict[str, Any]:
    """Do something, and tell what it gave or raised."""
    try:
        given = function()
    except BaseException as error:
        names = [each.__name__ for each in type(error).__mro__]
        return {"error": type(error).__name__, "text": str(error)[:2000], "kinds": names}
    return given if isinstance(given, Told) else {"value": repr(given)[:60]}


def main() -> None:
    """Do every deed; what one raises is its outcome."""
    given = json.load(sys.stdin)
    world = World(sys.argv[1], given)
    for name, function in DEEDS.items():
        world.deed = name
        started = time.monotonic()
        told = tell(partial(function, world))
        took = round(time.monotonic() - started, 2)
        sys.stdout.write(json.dumps({"deed": name, "seconds": took, **told}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
