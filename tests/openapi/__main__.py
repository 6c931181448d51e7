"""Walk over a sandbox, hold it against the vendor's document, and print the figures: `make contract`."""

from __future__ import annotations

import sys
import tempfile

from pathlib import Path

from synapse.sandbox import serve
from tests.objectstore import object_store
from tests.openapi.judging import Verdict, judge
from tests.openapi.walk import walk


def verdicts(database: str | None = None) -> list[Verdict]:
    """Walk over a sandbox, by default on SQLite, and return what the document says of each call."""
    with (
        tempfile.TemporaryDirectory() as folder,
        object_store() as store,
        serve(Path(folder) / "data", seed="demo", database=database, object_storage=store) as sandbox,
    ):
        calls = walk(sandbox)
    return judge(calls)


def figures(found: list[Verdict]) -> tuple[int, int, int, int]:
    """Count the calls, the operations that they reach, the violations, and the keys that aren't declared."""
    operations = {verdict.operation for verdict in found}
    wrong = sum(bool(verdict.problems) for verdict in found)
    return len(found), len(operations), wrong, sum(len(verdict.undeclared) for verdict in found)


def main() -> int:
    """Print what is wrong, and the figures."""
    found = verdicts()
    for verdict in found:
        if verdict.problems or verdict.undeclared:
            print(verdict.words)
    calls, operations, wrong, keys = figures(found)
    print(f"{calls} calls of {operations} operations: {wrong} violations, {keys} undeclared keys in queries")
    return bool(wrong or keys)


if __name__ == "__main__":
    sys.exit(main())
