"""Where a reading stands, as a small text that another process can go on from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import QueryError, WrongHostError, describe
from synapse.query import Condition, In, Query
from synapse.query.kinds import LARGEST

if TYPE_CHECKING:
    from synapse.session import Backend

VERSION: Final = 1


@attrs.frozen
class Stamp:
    """The fingerprints of a backend, its workspace and a query's rows; `aliases` are other addresses of the backend."""

    host: str
    query: str
    tenant: str = ""
    aliases: frozenset[str] = frozenset()


def stamp(entity: str, query: Query, *, backend: Backend) -> Stamp:
    """Take the fingerprints of a query on a backend: what a row carries or nests is no part of them."""
    where = sorted(f"{each.name} {each.lookup.name} {_spelled(each)}" for each in query.where)
    asked = [entity, *where, repr((query.order, query.start, query.stop, query.params, query.empty))]
    return Stamp(
        _digest(backend.host),
        _digest("\n".join(asked)),
        "" if backend.tenant is None else _digest(backend.tenant),
        frozenset(map(_digest, backend.aliases)),
    )


def _spelled(condition: Condition) -> str:
    """Spell a value; a list of values is the same in any order, as a set has another one in each process."""
    return repr(sorted(map(repr, condition.value))) if condition.lookup is In else repr(condition.value)


def write(stamped: Stamp, *, plan: str, state: dict[str, Any]) -> str:
    """Put down where a reading stands."""
    kept = {"v": VERSION, "host": stamped.host, "query": stamped.query, "plan": plan, "at": state}
    if stamped.tenant:
        kept["tenant"] = stamped.tenant
    text = json.dumps(kept, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(checkpoint: object, stamped: Stamp, *, what: str) -> tuple[Any, dict[str, Any]]:
    """Give the plan and the state of a checkpoint, or raise `QueryError` where it is of another query or host."""
    kept = _parsed(checkpoint)
    host, tenant = kept.get("host"), kept.get("tenant", "")
    if host not in (stamped.host, *stamped.aliases) or (tenant and stamped.tenant not in ("", tenant)):
        raise WrongHostError(
            f"this checkpoint is of another backend, or of another workspace, than {what} goes to; resume it through a "
            "session for its own, by .using(session). If that is another address of the same backend, say so by "
            "SYNAPSE_HOST_ALIASES or Session(aliases=[...]). Nothing was sent"
        )
    if kept.get("query") != stamped.query:
        raise QueryError(
            f"this checkpoint is of another query than {what}; resume the query that it was made by, with the same "
            "filters, order and slice. Nothing was sent"
        )
    return kept.get("plan"), kept["at"]


def check(state: dict[str, Any], query: Query, *, by_key: bool) -> None:
    """Refuse a state that no reading of this query leaves behind; *by_key*, it goes on behind an integer key."""
    stop = LARGEST if query.stop is None else query.stop
    wanted: dict[str, Callable[[Any], bool]] = {
        "key": lambda value: value is None or (_is_number(value) if by_key else type(value) in (int, str)),
        "place": lambda value: _is_number(value) and query.start <= value <= stop,
        "odd": lambda value: _is_number(value) and value >= 0,
        "token": lambda value: isinstance(value, str),
        "last": lambda value: (
            isinstance(value, list) and not any(isinstance(each, list | dict) for each in value)
        ),
    }
    if by_key:
        del wanted["last"]
    for name, value in state.items():
        if name not in wanted or not wanted[name](value):
            raise unreadable()


def unreadable() -> QueryError:
    """Make the error of a checkpoint that holds what none of ours does."""
    return QueryError("this is no checkpoint that this version can read; nothing was sent")


def _is_number(value: object) -> bool:
    return type(value) is int and abs(value) <= LARGEST


def _parsed(checkpoint: object) -> dict[str, Any]:
    if not isinstance(checkpoint, str):
        raise QueryError(
            f"resume() takes the checkpoint of an iterator or of an error, got {describe(checkpoint)}"
        )
    try:
        kept = json.loads(
            base64.b64decode(checkpoint + "=" * (-len(checkpoint) % 4), altchars=b"-_", validate=True)
        )
    except (ValueError, binascii.Error):
        kept = None
    if not isinstance(kept, dict) or kept.get("v") != VERSION or not isinstance(kept.get("at"), dict):
        raise unreadable()
    return kept


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
