"""The fixture that comes with the package."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tomllib

from pathlib import Path

TEST = """
    import urllib.request

    def test_one(synapse_sandbox):
        url = f"{synapse_sandbox.url}/users/me/"
        headers = {"Synapse-Access-Token": synapse_sandbox.api_token}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            assert answer.status == 200

    def test_two(synapse_sandbox):
        assert synapse_sandbox.tenant == "sandbox"
"""


PLUGIN = "synapse.sandbox.pytest_plugin"
ROOT = Path(__file__).parents[2]


def test_users_tests_get_a_backend(tmp_path: Path) -> None:
    """A test that asks for the fixture talks to a sandbox, with nothing to set up."""
    (tmp_path / "test_theirs.py").write_text(textwrap.dedent(TEST))
    # With the plugin named, the result does not depend on whether the package is installed.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN]

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert (0, True) == (done.returncode, "2 passed" in done.stdout), done.stdout


def test_plugin_is_an_entry_point() -> None:
    """pytest finds the plugin by itself once the package is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert PLUGIN in project["entry-points"]["pytest11"].values()
