"""Hold a walk over a sandbox, and the SDK's own tests of API v2, against the vendor's document: `make contract`."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from pathlib import Path
from typing import Final

from synapse.sandbox import serve
from tests.interop.own_env import ROOT
from tests.objectstore import object_store
from tests.openapi.judging import Call, Verdict, judge
from tests.openapi.walk import walk

SDK: Final = ("tests/contract", "-k", "v2 or generation")


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


def recorded(*tests: str) -> list[Verdict]:
    """Run tests of the SDK through a recording proxy, and return what the document says of each call."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "calls"
        record = ["-p", "tests.openapi.recording", f"--record-calls={kept}"]
        pytest = [sys.executable, "-m", "pytest", "-q", "-n0", "--full", *record, *tests]
        done = subprocess.run(pytest, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return judge(Call.read(line) for line in kept.read_text(encoding="utf-8").splitlines())


def main() -> int:
    """Print what is wrong, and the figures."""
    failed = False
    for what, found in (("a walk", verdicts()), ("the SDK's tests", recorded(*SDK))):
        for verdict in found:
            if verdict.problems or verdict.undeclared:
                print(verdict.words)
        calls, operations, wrong, keys = figures(found)
        print(
            f"{what}: {calls} calls of {operations} operations,"
            f" {wrong} violations, {keys} undeclared keys in queries",
            flush=True,
        )
        failed = failed or bool(wrong or keys)
    return failed


if __name__ == "__main__":
    sys.exit(main())
