"""Which statuses may be tried again stands in one module."""

from __future__ import annotations

import ast

from pathlib import Path

import synapse

from synapse.session.retry import RULES

PACKAGE = Path(synapse.__file__).parent
KNOWING = {
    "session/retry.py",
    # The status or the class of an error is no rule for repeating.
    "session/replies.py",
    "client/exceptions.py",
    "errors.py",
}


def retryable(path: Path) -> set[int]:
    """Give the retryable statuses that a module names, as numbers or as members of `HTTPStatus`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in RULES:
            found.add(node.value)
        if isinstance(node, ast.Attribute) and node.attr in {
            "TOO_MANY_REQUESTS",
            "SERVICE_UNAVAILABLE",
            "BAD_GATEWAY",
            "GATEWAY_TIMEOUT",
            "REQUEST_TIMEOUT",
            "TOO_EARLY",
        }:
            found.add(0)
    return found


def test_retryable_statuses_stand_in_one_module() -> None:
    """Every other module asks `session/retry.py`; the sandbox is a second opinion."""
    paths = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    others = [path for path in paths if path.parts[0] != "sandbox" and path.as_posix() not in KNOWING]

    assert [] == [path.as_posix() for path in others if retryable(PACKAGE / path)]
