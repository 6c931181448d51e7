"""Writes whose answers never come, and a backend with a clock of its own that is asked about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from synapse import TaskTag, WriteUnconfirmedError
from synapse.dialects import Reply
from synapse.testing import CannedSession, canned, page

LOST = WriteUnconfirmedError("POST /task_tags/: the connection was lost")


def at(seconds: float = 0.0) -> datetime:
    """Give a moment that long from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def tag(key: int, *, name: str = "night", made: float = 0.0, **more: Any) -> dict[str, Any]:
    """Give a tag's row, made that long from now."""
    row = {"id": key, "project": 1, "name": name, "category": "project", "description": "", "meta": {}}
    return {**row, "created": at(made).isoformat(), **more}


def listed(*rows: dict[str, Any], ahead: float = 0.0, dated: bool = True) -> Reply:
    """Answer a page, with the time of a clock that is ahead by so many seconds."""
    date = {"Date": format_datetime(at(ahead), usegmt=True)} if dated else {}
    return Reply(200, page(*rows), headers=date)


def backend(rows: Any, *, read: float = 0.05, **replies: Any) -> CannedSession:
    """Lose the answer to every creation of a tag, and show these rows since."""
    answers = {"POST task_tags/": again(LOST), "GET task_tags/": rows, **replies}
    return canned(answers, timeout={"connect": 1, "read": read})


def again(error: WriteUnconfirmedError) -> Any:
    """Raise an error of these words, a new one each time."""
    return lambda request: WriteUnconfirmedError(*error.args)


def lost(session: CannedSession, **values: Any) -> tuple[TaskTag, WriteUnconfirmedError]:
    """Create a tag, and return it with what was raised."""
    made = TaskTag(**{"project_id": 1, "name": "night", **values})
    made._state.session = session
    with pytest.raises(WriteUnconfirmedError) as caught:
        made.save()
    return made, caught.value
