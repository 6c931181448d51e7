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


FAULTY = """
    import urllib.error
    import urllib.request

    import pytest

    @pytest.mark.synapse_faults("502=1,seed=6")
    def test_marked(synapse_sandbox):
        with pytest.raises(urllib.error.HTTPError, match="502"):
            urllib.request.urlopen(f"{synapse_sandbox.url}/health")

    @pytest.mark.synapse_faults("502=1,seed=6")
    def test_fails(synapse_sandbox):
        urllib.request.urlopen(f"{synapse_sandbox.url}/health")

    def test_others_have_those_of_the_run(synapse_sandbox):
        assert synapse_sandbox.faults == "latency=1ms,seed=2"

    @pytest.mark.synapse_faults("502=1")
    def test_has_no_backend():
        pass
"""

WRONG = """
    import pytest

    @pytest.mark.synapse_faults("latancy=1s")
    def test_misspelt(synapse_sandbox):
        pass

    @pytest.mark.synapse_faults()
    def test_nothing(synapse_sandbox):
        pass

    @pytest.mark.synapse_faults(text="502=1,seed=6")
    def test_by_its_name(synapse_sandbox):
        assert synapse_sandbox.faults == "502=1,seed=6"
"""

PLUGIN = "synapse.sandbox.pytest_plugin"
ROOT = Path(__file__).parents[2]


def run_theirs(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a test file of a user's."""
    (folder / "test_theirs.py").write_text(textwrap.dedent(test))
    # With the plugin named, the result does not depend on whether the package is installed.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN]
    return subprocess.run(
        [*command, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_users_tests_get_a_backend(tmp_path: Path) -> None:
    """A test that asks for the fixture talks to a sandbox, with nothing to set up."""
    done = run_theirs(tmp_path, TEST)

    assert (0, True) == (done.returncode, "2 passed" in done.stdout), done.stdout


def test_it_misbehaves_for_those_that_are_marked(tmp_path: Path) -> None:
    """While they run; who fails is told the seed, and who has no backend what is missing."""
    done = run_theirs(tmp_path, FAULTY, "--synapse-faults=latency=1ms,seed=2")

    assert "2 failed, 2 passed" in done.stdout, done.stdout
    assert "502=1,seed=6" in done.stdout.partition("test_fails")[2]
    assert "is marked synapse_faults and does not use the fixture synapse_sandbox" in done.stdout


def test_marks_that_mean_nothing_are_told_in_a_line(tmp_path: Path) -> None:
    """With the nearest name; the other tests run."""
    done = run_theirs(tmp_path, WRONG)

    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "synapse_faults: 'latancy=1s' is no fault (did you mean 'latency'?)" in done.stdout
    assert 'synapse_faults takes one text, such as "429=0.05,drop=0.01"' in done.stdout


def test_an_option_that_means_nothing_ends_the_run(tmp_path: Path) -> None:
    """Before any test."""
    done = run_theirs(tmp_path, TEST, "--synapse-faults=latancy=1s")

    assert (4, True) == (done.returncode, "did you mean 'latency'?" in done.stderr), done.stderr


def test_plugin_is_an_entry_point() -> None:
    """pytest finds the plugin by itself once the package is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert PLUGIN in project["entry-points"]["pytest11"].values()
