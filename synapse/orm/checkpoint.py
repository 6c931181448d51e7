"""Where a reading stands, as a small text that another process can go on from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from typing import Any, Final

from synapse.errors import QueryError, describe
from synapse.query import Condition, In, Query

VERSION: Final = 1


def stamp(entity: str, query: Query, *, host: str) -> tuple[str, str]:
    """Give the fingerprints of a host and of a query's rows: what a row carries or nests is no part of them."""
    where = sorted(f"{each.name} {each.lookup.name} {_spelled(each)}" for each in query.where)
    asked = [entity, *where, repr((query.order, query.start, query.stop, query.params, query.empty))]
    return _digest(host), _digest("\n".join(asked))


def _spelled(condition: Condition) -> str:
    """Spell a value; a list of values is the same in any order, as a set has another one in each process."""
    return repr(sorted(map(repr, condition.value))) if condition.lookup is In else repr(condition.value)


def write(stamped: tuple[str, str], *, plan: str, state: dict[str, Any]) -> str:
    """Put down where a reading stands."""
    host, query = stamped
    kept = {"v": VERSION, "host": host, "query": query, "plan": plan, "at": state}
    text = json.dumps(kept, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(checkpoint: object, stamped: tuple[str, str], *, what: str) -> tuple[Any, dict[str, Any]]:
    """Give the plan and the state of a checkpoint, or raise `QueryError` where it is of another query or host."""
    kept = _parsed(checkpoint)
    if kept.get("host") != stamped[0]:
        raise QueryError(
            f"this checkpoint is of another backend than {what} goes to; resume it through a session for its own. "
            "Nothing was sent"
        )
    if kept.get("query") != stamped[1]:
        raise QueryError(
            f"this checkpoint is of another query than {what}; resume the query that it was made by, with the same "
            "filters, order and slice. Nothing was sent"
        )
    return kept.get("plan"), kept["at"]


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
        raise QueryError("this is no checkpoint that this version can read; nothing was sent")
    return kept


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
