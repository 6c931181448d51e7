"""Keys that try to walk the path, and what is no key at all: nothing is sent, or exactly that key in one segment.

The walk goes by what the entities declare, so that a new one is walked by itself.
"""

from __future__ import annotations

import contextlib
import inspect

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

import pytest

from synapse import (
    BackendClient,
    DataFile,
    Job,
    JobLog,
    MappingError,
    Model,
    NotFoundError,
    Plugin,
    PluginRelease,
    QueryError,
    RemoteFile,
    Session,
    SynapseError,
    Task,
    TransferError,
)
from synapse.dialects import Request
from synapse.orm import Entity, Manager
from synapse.orm.record import table_of
from synapse.query import In
from synapse.query.kinds import Reference, TextKey
from synapse.uploads import upload_file
from tests.amounts import part
from tests.contract.lookup_world import ENTITIES, FIRST
from tests.faults.hostile import Backend, Proxy
from tests.faults.odd_keys import (
    DIGITS,
    NO_KEYS,
    NO_NUMBERS,
    NUMBERED,
    TEXT_KEYS,
    Index,
    Plain,
    Silent,
    Text,
    named,
)

LONGEST_MESSAGE: Final = 1000

Way = Callable[[Any], Any]

TEXTUAL: Final = [cls for cls in ENTITIES if isinstance(cls._schema.key, TextKey)]
FREE: Final = [cls for cls in TEXTUAL if cls in FIRST]  # API v2 takes fewer characters: tests/unit/dialects
NUMERIC: Final = [cls for cls in ENTITIES if cls not in TEXTUAL]


def of_session(session: Session, cls: type[Entity]) -> Manager[Any]:
    """Find the manager of an entity among the plural names of a session."""
    names = [name for name, value in vars(Session).items() if isinstance(value, property)]
    managers = [found for name in names if isinstance(found := getattr(session, name), Manager)]
    (manager,) = [each for each in managers if each.entity is cls]
    return manager


def key_of(cls: type[Entity]) -> Any:
    """Give a key that an entity may have."""
    return 1 if cls in NUMERIC else "a"


def reading(session: Session, cls: type[Entity]) -> Iterator[tuple[str, Way]]:
    """Every way to name an object of an entity by its key."""
    rows, pk = of_session(session, cls), cls._schema.pk
    yield "get(key)", lambda key: rows.get(key)
    yield "get(pk=)", lambda key: rows.get(pk=key)
    yield f"get({pk}=)", lambda key: rows.get(**{pk: key})
    yield "ref()", cls.ref
    yield "in_bulk()", lambda key: rows.in_bulk([key])
    for name in ("pk", pk):
        yield f"filter({name}=)", filtering(rows, name, several=False)
        yield f"filter({name}__in=)", filtering(rows, name, several=True)
        yield f"exclude({name}=)", naming(rows.exclude, name)


def linking(session: Session, cls: type[Entity]) -> Iterator[tuple[type[Entity], str, Way]]:
    """Every way to name another object by its key, with the entity of that."""
    rows = of_session(session, cls)
    for name, kind in cls._catalog.kinds.items():
        if isinstance(kind, Reference) and name != cls._schema.pk:
            target = entity_named(kind.to)
            for lookup in cls._catalog.lookups[name].lookups:
                yield target, f"filter({name} {lookup.name})", filtering(rows, name, several=lookup is In)
    for relation, via in cls._schema.relations.items():
        target = entity_named(getattr(cls, relation).target)
        if cls._schema.fields[via].read_only:
            continue
        for name in (relation, via):
            yield target, f"{cls.__name__}({name}=)", naming(cls, name)
            yield target, f"create({name}=)", naming(rows.create, name)
            yield target, f"update({name}=)", naming(partial(rows.update, everything=True), name)
            yield target, f".{name} =", partial(setattr, cls.ref(key_of(cls)), name)


def filtering(rows: Manager[Any], name: str, *, several: bool) -> Way:
    """Filter by a key, or by a list of one."""
    if several:
        return lambda key: list(rows.filter(**{f"{name}__in": [key]}))
    return lambda key: list(rows.filter(**{name: key}))


def naming(function: Callable[..., Any], name: str) -> Way:
    """Give the key by a name."""
    return lambda key: function(**{name: key})


def entity_named(name: str) -> type[Entity]:
    """Find an entity by its class name."""
    return next(cls for cls in ENTITIES if cls.__name__ == name)


def no_keys(cls: type[Entity], *, digits: bool = False, clears: bool = False) -> list[Any]:
    """What is no key of an entity; with *digits*, they are one, and with *clears*, None is none."""
    more = () if cls in TEXTUAL else (*NO_NUMBERS, *(() if digits else DIGITS))
    return [each for each in (*NO_KEYS, *more) if not (clears and each is None)]


def unrefused(
    ways: Iterable[tuple[str, Way]], keys: Iterable[Any], *, errors: Any = (QueryError, MappingError)
) -> list[str]:
    """Try every key in every way, and tell which were not refused in words."""
    found = []
    for name, way in ways:
        for key in keys:
            try:
                way(key)
                found.append(f"{name} took {named(key)}")
            except errors as error:
                if not 15 < len(str(error)) < LONGEST_MESSAGE:
                    found.append(f"{name} said of {named(key)}: {str(error)[:100]!r}")
            except Exception as error:
                found.append(f"{name} broke on {named(key)}: {type(error).__name__} {str(error)[:100]}")
    return found


class TestNoKeys:
    @pytest.mark.parametrize("cls", ENTITIES)
    def test_name_no_object(self, proxy: Proxy, session: Session, cls: type[Entity]) -> None:
        """Get, ref, filter, exclude, bulk: refused in words, before anything is sent."""
        # In the quick run, the next way takes the next third of the keys, and so does the next entity: pairs, not all.
        for number, way in enumerate(reading(session, cls), ENTITIES.index(cls)):
            assert [] == unrefused([way], part(no_keys(cls), number))
        assert [] == proxy.received

    @pytest.mark.parametrize("cls", ENTITIES)
    def test_link_no_object(self, proxy: Proxy, session: Session, cls: type[Entity]) -> None:
        """Neither a filter by a relation nor a value of one takes them."""
        for number, (target, name, way) in enumerate(linking(session, cls), ENTITIES.index(cls)):
            keys = no_keys(target, clears=not name.startswith("filter"))
            assert [] == unrefused([(name, way)], part(keys, number))
        assert [] == proxy.received

    def test_name_nothing_in_a_verb(self, proxy: Proxy, session: Session) -> None:
        """Tags, agents, storages and projects that are given to a verb."""
        tasks, plugin = session.tasks.filter(id=1), held(session, Plugin, 1)
        ways: dict[str, Way] = {
            "set_tags(add)": lambda key: tasks.set_tags(add=[key]),
            "set_tags(remove)": lambda key: tasks.set_tags(remove=[key]),
            "task.set_tags": lambda key: held(session, Task, 1).set_tags(add=[key]),
            "run(agent)": lambda key: plugin.run(action="go", agent=key),
            "run(storage)": lambda key: plugin.run(action="go", storage=key),
        }
        keys = [key for key in no_keys(Task) if key is not None]

        assert [] == unrefused(ways.items(), keys)
        assert [] == proxy.received

    def test_are_counted_as_failed_in_a_batch(self, proxy: Proxy, session: Session) -> None:
        """`annotate_many` tells of each, and sends none."""
        keys = [key for key in no_keys(Task) if not isinstance(key, Text | Silent)]
        with pytest.raises(SynapseError) as caught:
            session.tasks.annotate_many([(key, {"a": 1}) for key in keys])

        assert len(keys) == len(caught.value.failed)  # type: ignore[attr-defined]
        assert {QueryError} == {type(error) for _, error in caught.value.failed}  # type: ignore[attr-defined]
        assert [] == proxy.received


FLAT: Final = {
    f"{name}({parameter})": (name, parameter)
    for name, function in inspect.getmembers(BackendClient, inspect.isfunction)
    for parameter in inspect.signature(function).parameters
    if parameter in ("pk", "plugin", "plugin_code", "lookup") or parameter.endswith("_id")
}
REST: Final[dict[str, dict[str, Any]]] = {
    "annotate_task_data": {"data": {}},
    "run_plugin": {"data": {}},
    "update_job": {"data": {}},
    "update_plugin": {"data": {}},
    "upload_data_file": {"organized_file": {}},
    "upload_data_collection": {"data": []},
}


def flat(client: BackendClient, name: str, parameter: str) -> Way:
    """Call a method of the flat client with a key."""
    rest = REST.get(name, {})
    if parameter == "project_id" and name == "upload_data_collection":
        rest = {**rest, "collection_id": 1}
    return lambda key: getattr(client, name)(**rest, **{parameter: key})


@pytest.fixture
def client(session: Session) -> Iterator[BackendClient]:
    """The flat client, through the proxy."""
    with BackendClient(session.host, session.settings.api_token) as made:
        yield made
    made.session.close()


class TestFlatClient:
    @pytest.mark.parametrize("called", FLAT)
    def test_takes_no_such_key(self, proxy: Proxy, client: BackendClient, called: str) -> None:
        """Whatever the method, and under each of its names."""
        name, parameter = FLAT[called]
        textual = any(word in name for word in ("plugin", "job", "chunked"))
        keys = no_keys(Job if textual else Task, digits=True, clears=parameter == "project_id")

        assert [] == unrefused(
            [(called, flat(client, name, parameter))], [k for k in keys if k not in DIGITS]
        )
        assert [] == proxy.received

    def test_takes_digits(self, proxy: Proxy, client: BackendClient) -> None:
        """Scripts read keys from files and command lines."""
        with pytest.raises(NotFoundError):
            client.get_task("999999999")

        assert ["GET /tasks/999999999/"] == [each.line for each in proxy.received]

    @pytest.mark.parametrize(
        "token", [None, "", " ", "a b", "a\r\nX: 1", "é", 5, b"a", ["a"], "a\0"], ids=named
    )
    def test_takes_no_such_agent(self, proxy: Proxy, client: BackendClient, token: Any) -> None:
        """What was given in place of a token is not shown: it may be another secret."""
        with pytest.raises(QueryError, match="token must be the token of an agent"):
            client.health_check_agent(token)
        assert [] == proxy.received

    def test_annotates_nothing_of_a_batch_with_such_a_key(self, proxy: Proxy, client: BackendClient) -> None:
        """The items before it are not sent either."""
        keys = [*(key for key in no_keys(Task, digits=True) if key not in DIGITS), {"a": 1}]
        items = [{"task_id": 1, "data": {}}]

        assert [] == unrefused(
            [("batch", lambda key: client.annotate_task_data_batch([*items, {"task_id": key, "data": {}}]))],
            keys,
        )
        assert [] == proxy.received


def held(session: Session, cls: type[Any], key: Any) -> Any:
    """Give an object of which only the key is known."""
    made = cls.ref(key)
    made._state.session = session
    return made


VERBS: Final[dict[str, tuple[type[Entity], Callable[[Any], Any]]]] = {
    **{
        f"{cls.__name__}.{name}": (cls, verb)
        for cls in FREE
        for name, verb in (("refresh", lambda row: row.refresh()), ("delete", lambda row: row.delete()))
    },
    "Job.status": (Job, lambda row: row.status),
    "Job.save": (Job, lambda row: (setattr(row, "meta", {"a": 1}), row.save())),
    "Job.wait": (Job, lambda row: row.wait(timeout=1)),
    "Job.stop": (Job, lambda row: row.stop()),
    "Job.console_logs": (Job, lambda row: row.console_logs()),
    "Job.tail": (Job, lambda row: list(row.tail())),
    "Plugin.name": (Plugin, lambda row: row.name),
    "Plugin.save": (Plugin, lambda row: (setattr(row, "name", "a"), row.save())),
    "Plugin.run": (Plugin, lambda row: row.run(action="go")),
    "PluginRelease.version": (PluginRelease, lambda row: row.version),
    "PluginRelease.save": (PluginRelease, lambda row: (setattr(row, "readme", "a"), row.save())),
}


def keys_received(proxy: Proxy, path: str) -> set[str]:
    """Decode the one segment behind *path* of every request."""
    targets = [each.target.partition("?")[0].split("/") for each in proxy.received]
    return {unquote(parts[2], errors="strict") for parts in targets if parts[1] == path}


class TestTextKeys:
    @pytest.mark.filterwarnings("ignore::synapse.orm.coach.SlowLoopWarning")
    @pytest.mark.parametrize("verb", VERBS)
    def test_arrive_as_they_are(self, proxy: Proxy, session: Session, verb: str) -> None:
        """In exactly one segment, whichever verb sends them."""
        cls, do = VERBS[verb]
        keys = part(TEXT_KEYS, list(VERBS).index(verb))
        for key in keys:
            with pytest.raises(NotFoundError):
                do(held(session, cls, key))

        path = table_of(cls, session).wire.path.strip("/")
        assert set(keys) == keys_received(proxy, path)
        # A run looks up what the plugin's release offers.
        beside = {"plugin_releases"} if verb == "Plugin.run" else set()
        assert {path} == {each.target.partition("?")[0].split("/")[1] for each in proxy.received} - beside

    @pytest.mark.parametrize("cls", FREE)
    def test_arrive_from_get(self, proxy: Proxy, session: Session, cls: type[Entity]) -> None:
        """A UUID travels as its text, and a subclass of text as the characters that it holds."""
        for key in (*TEXT_KEYS, UUID(int=5), Text("code@2")):
            with pytest.raises(NotFoundError):
                of_session(session, cls).get(key)

        expected = {*TEXT_KEYS, str(UUID(int=5)), "code@2"}
        assert expected == keys_received(proxy, table_of(cls, session).wire.path.strip("/"))

    def test_arrive_from_the_flat_client(self, proxy: Proxy, client: BackendClient) -> None:
        """The same."""
        for key in TEXT_KEYS:
            for read in (
                client.get_job,
                client.get_plugin,
                client.get_plugin_release,
                client.get_chunked_upload,
            ):
                with pytest.raises(NotFoundError):
                    read(key)

        for path in ("jobs", "plugins", "plugin_releases", "chunked_upload"):
            assert set(TEXT_KEYS) == keys_received(proxy, path)

    @pytest.mark.parametrize(
        "token", ["a/b", "../admin", "a/..", "a?b=c", "a#b", "a%2Fb", "a%", "a;b", "a&b"]
    )
    def test_of_agents_stay_in_their_segment(self, proxy: Proxy, client: BackendClient, token: str) -> None:
        """Whatever a token may hold that would end a segment, or walk from it, is encoded."""
        with pytest.raises(NotFoundError):
            client.health_check_agent(token)

        (target,) = [each.target for each in proxy.received]
        assert ["", "agents", token, "connect", ""] == [unquote(part) for part in target.split("/")]

    @pytest.mark.parametrize("token", [".", ".."])
    def test_of_agents_walk_nowhere(self, proxy: Proxy, client: BackendClient, token: str) -> None:
        """HTTP libraries resolve these however they are encoded."""
        with pytest.raises(QueryError, match="is no key that an address could name"):
            client.health_check_agent(token)

        assert [] == proxy.received

    @pytest.mark.parametrize("path", ["jobs/../admin/", "../admin/", "jobs/./1/", "jobs/..?a=1"])
    def test_walk_in_no_path_that_is_sent(self, proxy: Proxy, session: Session, path: str) -> None:
        """Not even where an extender builds the path."""
        with pytest.raises(QueryError, match="a path may not contain"):
            session.send(Request("GET", path))

        assert [] == proxy.received

    @pytest.mark.parametrize("key", NUMBERED, ids=["int", "enum", "subclass", "index"])
    def test_numbers_arrive_as_their_digits(self, proxy: Proxy, session: Session, key: Any) -> None:
        """Whatever a subclass says of itself."""
        for cls in (*(each for each in NUMERIC if each in FIRST), Plugin, PluginRelease):
            if table_of(cls, session).has_single:
                with contextlib.suppress(NotFoundError):  # others may have made that row
                    of_session(session, cls).get(key if key != 5 or type(key) is not int else 10**9 + 5)

        assert {"5"} | ({str(10**9 + 5)} if type(key) is int else set()) >= {
            each.target.split("/")[2].partition("?")[0] for each in proxy.received
        }


NO_PATHS: Final = (
    "",
    "a\0b",
    "\ud800",
    "x" * 10**6,
    5,
    True,
    1.0,
    b"a.png",
    [],
    {},
    object(),
    Plain.FIVE,
    Index(0),
)
SENDING: Final[dict[str, Callable[[Session, Any], Any]]] = {
    "upload": lambda s, path: DataFile.objects.using(s).upload(path),
    "upload(chunked)": lambda s, path: DataFile.objects.using(s).upload(path, chunked=True),
    "upload_file": upload_file,
    "Model.create": lambda s, path: Model.objects.using(s).create(name="a", file=path),
    "JobLog.create": lambda s, path: JobLog.objects.using(s).create(job="a", event="e", file=path),
    "RemoteFile.download": lambda s, path: RemoteFile(url="/a.png", session=s).download(path),
}


class TestPaths:
    @pytest.mark.parametrize("name", SENDING)
    def test_that_are_none_are_refused(self, proxy: Proxy, session: Session, name: str) -> None:
        """An open file's number is no path either, and nothing is sent to find out."""
        ways = [(name, lambda path: SENDING[name](session, path))]

        assert [] == unrefused(ways, NO_PATHS, errors=(TransferError, MappingError))
        assert [] == proxy.received


def test_the_session_goes_on(backend: Backend, proxy: Proxy, session: Session) -> None:
    """After all that was refused, it works as before."""
    unrefused(reading(session, Task), NO_KEYS)

    assert 0 <= session.tasks.count()
    assert 1 == len(proxy.received)
