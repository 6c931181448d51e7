"""An object of every public class, and every error: what is shown in REPLs, logs and tracebacks."""

from __future__ import annotations

import inspect

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import synapse

from synapse import errors
from synapse.client import exceptions
from synapse.dialects import Reply, Request
from synapse.downloads import Downloads
from synapse.downloads.outcomes import FileOutcome
from synapse.orm import BulkResult, Change, Entity, Explanation, loading
from synapse.orm.record import reference, table_of
from synapse.session import Call, Trace
from synapse.session.account import Account
from synapse.testing import CannedSession
from synapse.uploads import ItemOutcome, Report
from synapse.uploads.report import OutcomeTable

ENTITIES: Final[list[type[Entity]]] = [
    value
    for value in (getattr(synapse, name) for name in synapse.__all__)
    if inspect.isclass(value) and issubclass(value, Entity)
]
LONG: Final = "long" * 2_000
MANY: Final = 4_000


class Refusing(CannedSession):
    """A session that notes what would be sent, and sends nothing."""

    def __init__(self) -> None:
        super().__init__({})


def error_classes() -> list[type[errors.SynapseError]]:
    """Every error there is: the tree's, the flat client's, and those of an entity."""
    found = [
        value for module in (errors, exceptions) for _, value in inspect.getmembers(module, inspect.isclass)
    ]
    own = [synapse.Task.DoesNotExist, synapse.Task.MultipleObjectsReturned]
    return sorted(
        {each for each in [*found, *own] if issubclass(each, errors.SynapseError)},
        key=lambda each: each.__qualname__,
    )


def _key(entity: str) -> Any:
    return "a" if entity in ("Job", "AsyncJob") else 1


def _life(cls: type[Entity], session: CannedSession) -> Iterator[tuple[str, Any]]:
    """An object of an entity as it may be met: unread, read, new, deleted, broken."""
    key = _key(cls.__name__)
    unread = reference(cls, key, session=session)
    table = table_of(cls, session)
    vias = {table.names[link.via]: _key(link.target) for link in cls._schema.to_one.values()}
    wire = table.pk
    read = loading.load(cls, {**vias, wire: key}, session=session)
    deleted = loading.load(cls, {**vias, wire: key}, session=session)
    deleted._state.deleted = True
    new = cls.__new__(cls)
    object.__setattr__(new, "_state", synapse.mapping.state.State())
    name = cls.__name__
    yield from (
        (f"{name} unread", unread),
        (f"{name} read", read),
        (f"{name} deleted", deleted),
        (f"{name} new", new),
    )


def objects(session: CannedSession, *, text: str = LONG, number: int = MANY) -> dict[str, Any]:
    """One or more objects of every public class, holding long texts and many of them."""
    found = {name: each for cls in ENTITIES for name, each in _life(cls, session)}
    for cls in ENTITIES:
        found[f"{cls.__name__}.objects"] = cls.objects.using(session)
    return {
        **found,
        **_queries(session, text, number),
        **_results(text, number),
        **{each.__qualname__: each("x") for each in error_classes()},
    }


def _queries(session: CannedSession, text: str, number: int) -> dict[str, Any]:
    query = synapse.Task.objects.using(session).filter(id__in=range(1, number))
    return {
        "query": query,
        "a search": query.filter(search=text).params(a=text),
        "values": query.values("id"),
        "rows": query.iterator(),
        "explanation": Explanation(
            "https://canned.invalid", (Request("GET", "tasks/"),) * number, more="and so on"
        ),
        "a related set": reference(synapse.Project, 1, session=session).tasks,
        "condition": query.query.where[0],
        "Query": query.query,
        "Session": session,
        "BackendClient": synapse.BackendClient("https://canned.invalid", api_token="x"),
    }


def _results(text: str, number: int) -> dict[str, Any]:
    ledger, downloads, trace = OutcomeTable(), Downloads(Path("out")), Trace()
    for place in range(min(number, 400)):
        ledger.record(ledger.add(text), "failed", error=errors.TransferError(text))
        downloads.record(place, text, status="failed", error=errors.TransferError(text))
        trace.record(
            Call("POST", f"https://canned.invalid/?a={text}", 200, 1.0, body={"a": text}, path=f"/{text}")
        )
    change = Change(1, {"data": {"a": text}}, {"data": {"a": text}})
    return {
        "Report": Report(ledger),
        "Outcome": ItemOutcome(text, "failed", error=errors.TransferError(text)),
        "Downloads": downloads,
        "FileOutcome": FileOutcome(1, text, "failed"),
        "Trace": trace,
        "Call": trace[0],
        "Account": Account(id=number, name=text, email=text, tenant=text),
        "BulkResult": BulkResult("update", "Task", number, (change,) * number),
        "Change": change,
        "Conflict": errors.Conflict(text, text, text),
        "Resolution": errors.Resolution(rows=(change,) * number, reason=text),
        "Retry": synapse.Retry(),
        "RemoteFile": synapse.RemoteFile(url=f"https://canned.invalid/{text}", name=text),
        "FileSpecification": synapse.FileSpecification(
            name=text, file_type="image", configuration={"a": text}
        ),
        "Configuration": synapse.entities.storage.Configuration(dict.fromkeys(map(str, range(number)), "x")),
        "Request": Request("POST", text, json={"a": text}),
        "Reply": Reply(200, text),
        "Schema": synapse.Task._schema,
        "Catalog": synapse.Task._catalog,
    }
