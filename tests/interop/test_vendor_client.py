"""The vendor's own client, unmodified, against the sandbox: one test per method."""

from __future__ import annotations

import ast
import json
import os
import subprocess

from pathlib import Path
from typing import Any

import pytest

from filelock import FileLock

from synapse.sandbox import serve
from tests.objectstore import object_store

HERE = Path(__file__).parent


def check_names() -> list[str]:
    """Read the names of the checks from their source: this interpreter need not be able to run it."""
    modules = [
        ast.parse((HERE / f"vendor_{name}.py").read_text("utf-8")) for name in ("files", "plugins", "work")
    ]
    functions = [node for module in modules for node in module.body if isinstance(node, ast.FunctionDef)]
    return [function.name for function in functions if function.decorator_list]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, vendor_python: Path) -> dict[str, Any]:
    """What came of each check; the workers of one run share it, since it takes six seconds of processor time."""
    own = tmp_path_factory.getbasetemp()
    kept = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "vendor-client.json"
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            found = run_checks(vendor_python, tmp_path_factory.mktemp("vendor"))
            kept.write_text(json.dumps(found), encoding="utf-8")
    read: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    return read


def run_checks(python: Path, folder: Path) -> dict[str, Any]:
    """Run every check in one process of the vendor's interpreter and return what came of each."""
    with object_store() as store, serve(folder / "data", seed="demo", object_storage=store) as sandbox:
        given = {"url": sandbox.url, "api_token": sandbox.api_token, "tenant": sandbox.tenant}
        return drive(python, "vendor_driver.py", given, folder=folder)


def drive(python: Path, driver: str, given: dict[str, Any], *, folder: Path) -> dict[str, Any]:
    """Run a driver in the vendor's interpreter, and return what came of each of its checks."""
    done = subprocess.run(
        [python, HERE / driver],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "TMPDIR": str(folder), "HOME": str(folder)},
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["check"]: line for line in lines} or {"": {"problem": done.stderr}}


@pytest.mark.full
@pytest.mark.parametrize("name", check_names())
def test_vendor_client(outcomes: dict[str, Any], name: str) -> None:
    """The vendor's client gets what it expects."""
    assert name in outcomes, f"the driver died before it came to {name}: {outcomes}"

    problem = outcomes[name]["problem"]

    assert problem is None, f"\n{problem}"
