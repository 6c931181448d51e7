"""Hold the meta of units against the JSON schema that their collection brings.

Such a schema comes from a user. A pattern like `^(a+)+$` takes for ever on the wrong text, and Python's engine lets no
other thread run meanwhile. References that double at each step take for ever as well, `uniqueItems` compares each with
each, and a thousand branches are tried on each of a thousand elements. So what may take long is worked on by a process
of its own, whose time and memory are bounded. This file is that program too; it imports none beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

SECONDS: Final = 1
WAIT_SECONDS: Final = 30.0
MEMORY: Final = 1 << 30
MOST_FAULTS: Final = 20
LONGEST_FAULT: Final = 500
# How the keywords that may take for ever begin or end in JSON, wherever they stand.
RISKY: Final = ('"pattern', '"$ref"', 'Ref"', '"uniqueItems"', '"unevaluated')
# The others hold each part of a meta against each part of the schema: half a second at most for as many characters
# of the one times those of the other.
MOST_HERE: Final = 10_000_000

_rooms = threading.BoundedSemaphore(2)


class UnusableError(Exception):
    """It cannot be told whether anything keeps to the schema."""


class TooSlowError(Exception):
    """Telling takes longer than a schema may."""


def faults_of(schema: dict[str, Any], metas: Sequence[Any]) -> list[list[str]]:
    """Tell of each meta in what it does not keep to the schema."""
    if find_spec("jsonschema") is None:
        return [[] for _ in metas]
    try:
        texts = json.dumps(schema), json.dumps(list(metas))
    except RecursionError as error:
        raise UnusableError from error
    risky = any(keyword in texts[0] for keyword in RISKY) or len(texts[0]) * len(texts[1]) > MOST_HERE
    return _elsewhere("[{},{}]".format(*texts)) if risky else _here(schema, metas)


def _elsewhere(text: str) -> list[list[str]]:
    with _rooms:
        try:
            done = subprocess.run(
                # Without -P, the modules beside this file would hide others of their names.
                [sys.executable, "-P", __file__],
                input=text.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=WAIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TooSlowError from error
    if done.returncode:
        raise TooSlowError
    found: list[list[str]] | None = json.loads(done.stdout)
    if found is None:
        raise UnusableError
    return found


def _here(schema: dict[str, Any], metas: Sequence[Any]) -> list[list[str]]:
    # Few collections bring a schema, and every start of a sandbox would pay for the library.
    import jsonschema
    import jsonschema_specifications

    try:
        # With a registry given, a schema cannot make the server fetch addresses.
        registry = jsonschema_specifications.REGISTRY
        validator = jsonschema.validators.validator_for(schema)(schema, registry=registry)
        return [_told(validator, meta) for meta in metas]
    except Exception as error:
        # Whatever can go wrong here, it is the schema that was written so.
        raise UnusableError from error


def _told(validator: Any, meta: Any) -> list[str]:
    errors = validator.iter_errors(meta)
    return [error.message[:LONGEST_FAULT] for error, _ in zip(errors, range(MOST_FAULTS), strict=False)]


def _bound() -> None:
    """Let this process end where it takes too much; where a platform has no such limits, it is waited for only."""
    try:
        import resource
    except ImportError:
        return
    seconds = int(time.process_time()) + 1 + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _answer() -> None:
    import jsonschema  # noqa: F401 - the limits are for the schema alone

    schema, metas = json.load(sys.stdin)
    _bound()
    try:
        found: list[list[str]] | None = _here(schema, metas)
    except UnusableError:
        found = None
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _answer()
