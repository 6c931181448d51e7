"""A backend that hands out, repeats and drops secrets wherever it can, and the ways to come across them."""

from __future__ import annotations

import copy
import json
import socket

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from synapse import (
    Agent,
    Assignment,
    DataCollection,
    DataUnit,
    Job,
    Plugin,
    Project,
    RemoteFile,
    Retry,
    Session,
    Storage,
    Task,
)
from synapse.dialects import Reply, Request, v1_actions
from synapse.dialects.v1 import found_in
from synapse.entities import FileSpecification
from synapse.testing import canned
from tests.contract.lookup_world import FIRST
from tests.servers import Received, Server, cut, reply, reset

API: Final = "syn_planted_api_0123456789"
AGENT: Final = "a1b2c3d4" * 5
STORAGE: Final = "planted-storage-secret"
SIGNATURE: Final = "planted-signature"
SECRETS: Final = (API, AGENT, STORAGE, SIGNATURE)
# A file is fetched by its signed address, which therefore travels with it.
UNPICKLED: Final = (API, AGENT, STORAGE)

SETTINGS: Final = {
    "bucket_name": "b",
    "account_key": STORAGE,
    "pin": STORAGE,
    "nested": {"connection_string": STORAGE, "otp_code": STORAGE},
}
QUERY: Final = f"X-Amz-Signature={SIGNATURE}&token={SIGNATURE}"
ODD: Final = {"token": AGENT, "configuration": SETTINGS, "url": f"https://h/a.png?{QUERY}"}
PARTS: Final = {
    "id": 1,
    "pgh_id": 1,
    "task": 1,
    "agent": {"id": 3, "token": AGENT},
    "token": AGENT,
    "api_key": STORAGE,
}
ROWS: Final[dict[str, dict[str, Any]]] = {
    "storages": {"id": 1, "name": "s", "provider": "azure", "configuration": SETTINGS},
    "agents": {"id": 3, "name": "gpu", "token": AGENT, "node_install_script": f"agents/{AGENT}/install"},
    "jobs": {**PARTS, "id": "7", "status": "RUNNING"},
    "data_collections": {"id": 1, "name": "c", "category": "image", "file_specifications": []},
    "data_units": {"id": 1, "data_collection": 1, "files": {"image_1": {"url": f"/f/a.png?{QUERY}"}}},
}


class World(NamedTuple):
    """Where a case happens."""

    session: Session
    server: Server
    folder: Path

    def answer(self, *answers: Any) -> None:
        """Let the backend give these answers, the last one for ever."""
        self.server.script = list(answers)


def backend(connection: socket.socket, request: Received) -> None:
    """Answer with a planted row, or refuse and repeat everything that was said."""
    path, _, query = request.target.partition("?")
    resource, _, rest = path.strip("/").removeprefix("sdk/").partition("/")
    number = int(rest.strip("/")) if rest.strip("/").isdigit() else 1
    row = ROWS.get(resource, {**PARTS, "id": number, "pgh_id": number, "task": number})
    if request.method in ("POST", "PUT", "PATCH") and resource != "agents":
        body = json.loads(request.body) if request.body.startswith((b"{", b"[")) else {}
        said = {"detail": f"{request.headers} {request.target} {API}", "body": body, **ODD}
        connection.sendall(reply(400, said))
    elif rest:
        connection.sendall(reply(data=row))
    else:
        rows = [{**row, "id": each, "pgh_id": each} if row["id"] == 1 else row for each in range(1, 4)]
        following = None if "page=2" in query else f"{resource}/?page=2&{QUERY}"
        connection.sendall(reply(data={"count": 6, "next": following, "results": rows}))


# --- what a user does -----------------------------------------------------------
def sessions(world: World) -> Iterator[Any]:
    """Everything about a session."""
    settings = world.session.settings
    yield from (world.session, settings, settings.public(), settings.base, settings.retry)
    yield from (world.session._delivery().prepare(v1_actions.connect(AGENT)),)
    with world.session.trace() as calls:
        world.session.send(Request("GET", f"projects/?{QUERY}"))
    yield from (calls, *calls, calls[0].url, calls[0].path)
    Session(world.server.origin, api_token=API, tenant=f"{API}\n")


def values(world: World) -> Iterator[Any]:
    """Everything that travels."""
    yield v1_actions.connect(AGENT)
    yield Request("POST", f"storages/?{QUERY}", params=(("token", AGENT),), json=ROWS["storages"])
    answer = Reply(200, {"results": [ODD], "next": f"https://h/?{QUERY}"}, {"X-Token": AGENT})
    yield from (answer, found_in(answer, Request("GET", "storages/")))


def rows(world: World) -> Iterator[Any]:
    """A row of every entity, and what the SDK remembers about it."""
    for cls in FIRST:
        for row in cls.objects.using(world.session)[:2]:
            yield from (row, row._state, copy.deepcopy(row))


def settings_of_a_storage(world: World) -> Iterator[Any]:
    """The credentials themselves."""
    storage = Storage.objects.using(world.session).get(1)
    config = storage.configuration
    yield from (storage, storage._state, config, config.copy(), copy.copy(config), copy.deepcopy(config))
    yield from (
        config | {"a": STORAGE},
        {"a": STORAGE} | config,
        [config],
        storage.to_dict(),
        storage.changes,
    )
    config["account_key"] = f"{STORAGE}-2"
    yield from (storage, storage.changes)
    storage.save()


def creating(world: World) -> Iterator[Any]:
    """A refusal repeats what was sent."""
    Storage.objects.using(world.session).create(name="s", provider="azure", configuration=SETTINGS)
    yield


def bulk(world: World) -> Iterator[Any]:
    """Many rows at once."""
    query = Storage.objects.using(world.session)
    yield query.filter(category="internal").update(configuration=SETTINGS, dry_run=True)
    query.bulk_create([Storage(name="s", provider="azure", configuration=SETTINGS) for _ in range(2)])


def mistakes(world: World) -> Iterator[Any]:
    """A value that does not fit."""
    yield Storage(name="s", provider="azure", configuration=SETTINGS)
    Storage(name="s", provider="azure", configuration=f"pin={STORAGE}")


def assigned(world: World) -> Iterator[Any]:
    """A value inside the settings that JSON cannot hold."""
    storage = Storage.objects.using(world.session).get(1)
    yield storage
    storage.configuration = {**SETTINGS, "bad": object()}
    storage.save()


def queries(world: World) -> Iterator[Any]:
    """What a query would ask."""
    query = Task.objects.using(world.session).params(token=AGENT, url=f"https://h/?{QUERY}")
    yield from (query, query.explain(), query.explain().requests, list(query[:1]), query)


def agents(world: World) -> Iterator[Any]:
    """The token in an address."""
    agent = Agent.objects.using(world.session).get(3)
    assert agent.token == AGENT
    yield from (agent, agent._state, agent.jobs)
    agent.check()


def refused(answer: Any) -> Callable[[World], Iterator[Any]]:
    """Report an agent to a backend that answers so."""

    def case(world: World) -> Iterator[Any]:
        agent = Agent.objects.using(world.session).get(3)
        world.answer(answer)
        yield agent
        agent.check()

    return case


def read(answer: Any) -> Callable[[World], Iterator[Any]]:
    """Read a list from a backend that answers so."""

    def case(world: World) -> Iterator[Any]:
        world.answer(answer)
        yield list(Project.objects.using(world.session))

    return case


def ran(answer: Any) -> Callable[[World], Iterator[Any]]:
    """Run a plugin with credentials at a backend that answers so."""

    def case(world: World) -> Iterator[Any]:
        world.answer(answer)
        with world.session:
            yield Plugin.ref(1).run(action="go", params={"storage": ODD, "apiKey": STORAGE})

    return case


def tailed(world: World) -> Iterator[Any]:
    """The backend repeats an address in its log stream."""
    frames = [
        {"type": "connected"},
        {"type": "error", "message": f'no https://h/?{QUERY} {{"token": "{AGENT}"'},
    ]
    world.answer(
        reply(raw="".join(f"data: {json.dumps(each)}\n\n" for each in frames).encode(), headers=STREAM)
    )
    with world.session:
        yield from Job.ref("7").tail()


def files(world: World) -> Iterator[Any]:
    """A file behind a signed address, fetched with its progress shown."""
    unit = DataUnit.objects.using(world.session).get(1)
    file = unit.files["image_1"]
    world.answer(reply(302, headers=[("Location", f"/g/b.png?{QUERY}")]), reply(raw=b"content"))
    yield from (unit, unit.files, file, file.download(world.folder / "a", progress=True))
    yield RemoteFile(url=f"https://user:{SIGNATURE}@h/a.png?{QUERY}#{AGENT}", session=world.session)
    world.answer(cut(reply(raw=b"content"), at=3))
    file.download(world.folder / "b", progress=True)


def uploads(world: World) -> Iterator[Any]:
    """An upload that the backend refuses."""
    (world.folder / "a.png").write_bytes(b"content")
    collection = DataCollection.objects.using(world.session).get(1)
    collection.file_specifications = [FileSpecification(name="image_1", file_type="image", is_primary=True)]
    report = collection.upload([{"files": {"image_1": world.folder / "a.png"}, "meta": ODD}], progress=True)
    yield from (report, *report, *(outcome.error for outcome in report))


def slow_loops(world: World) -> Iterator[Any]:
    """The hint at a loop that fetches row by row."""
    for number in range(1, 12):
        yield Assignment.objects.using(world.session).get(number).task


def test_kit(world: World) -> Iterator[Any]:
    """Canned replies that hold secrets."""
    session = canned({f"POST agents/{AGENT}/connect/": {}, "POST storages/": ROWS["storages"]})
    with session.trace() as calls:
        session.send(v1_actions.connect(AGENT))
        session.send(Request("POST", "storages/", json=ROWS["storages"]))
    yield from (session, session.requests, session.settings, calls, *calls, calls.sent)
    session.send(Request("GET", f"a/?{QUERY}"))


STREAM: Final = [("Content-Type", "text/event-stream")]
PAGE: Final = reply(
    500,
    raw=f"<title>{API} <a href='https://h/?{QUERY}'></title>".encode(),
    headers=[("Content-Type", "text/html")],
)
TEXT: Final = json.dumps({"results": [], "a": [ODD]}).encode()
CASES: Final[dict[str, Callable[[World], Iterator[Any]]]] = {
    **{
        case.__name__.replace("_", " "): case
        for case in (
            sessions,
            values,
            rows,
            settings_of_a_storage,
            creating,
            bulk,
            mistakes,
            assigned,
            queries,
        )
    },
    **{
        case.__name__.replace("_", " "): case
        for case in (agents, tailed, files, uploads, slow_loops, test_kit)
    },
    "agent: unknown": refused(reply(404, {"detail": f"no agents/{AGENT}/connect/", **ODD})),
    "agent: page": refused(PAGE),
    "agent: lost": refused(reset),
    "agent: moved": refused(reply(307, headers=[("Location", f"/agents/{AGENT}/connect/?{QUERY}")])),
    "agent: gateway": refused(reply(502, ODD)),
    "list: no page": read(reply(data=ODD)),
    "list: no key": read(reply(data={"results": [{"name": "x", **ODD}]})),
    "list: row is no object": read(reply(data={"results": [json.dumps(ODD)]})),
    "list: bad field": read(reply(data={"results": [{"id": ODD}]})),
    "list: other host": read(reply(data={"results": [{"id": 1}], "next": f"https://evil.example/?{QUERY}"})),
    "list: redirect": read(reply(302, headers=[("Location", f"https://evil.example/?{QUERY}")])),
    "list: refused": read(reply(401, {"detail": f"bad {API}", **ODD})),
    "list: page": read(PAGE),
    "list: cut off": read(cut(reply(data=ODD), at=20)),
    "list: no JSON": read(reply(raw=TEXT[:-2])),
    "run: no job": ran(reply(data=ODD)),
    "run: lost": ran(reset),
    "run: no JSON": ran(reply(raw=TEXT[:-2])),
}


def world_of(server: Server, folder: Path) -> World:
    """Connect to the backend with everything that a session can know."""
    session = Session(server.origin, api_token=API, agent_token=AGENT, retry=Retry(total=1, backoff=0.001))
    return World(session, server, folder)


__all__ = ["CASES", "SECRETS", "UNPICKLED", "World", "backend", "world_of"]
