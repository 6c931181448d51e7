"""The wheel holds the package and nothing else."""

from __future__ import annotations

import email
import subprocess
import sys
import tomllib
import zipfile

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INFO: Final = f"synapse_orm-{PROJECT['version']}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel once and open it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """Read what the wheel says of itself."""
    return email.message_from_bytes(wheel.read(f"{INFO}/METADATA"))


def source_files() -> set[str]:
    """Return the package's files, as git would list them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "synapse"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_holds_the_package_and_its_metadata_only(wheel: zipfile.ZipFile) -> None:
    """Nothing lands beside the package in the user's environment."""
    assert {"synapse", INFO} == {name.split("/")[0] for name in wheel.namelist()}


def test_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """The wheel has the source files of the package, all of them and no more."""
    assert source_files() == {name for name in wheel.namelist() if name.startswith("synapse/")}


def test_says_that_it_is_typed(wheel: zipfile.ZipFile) -> None:
    """Type checkers read the annotations of the installed package."""
    assert "synapse/py.typed" in wheel.namelist()


def test_carries_its_licence(wheel: zipfile.ZipFile) -> None:
    """The licence travels with the code."""
    assert (ROOT / "LICENSE").read_bytes() == wheel.read(f"{INFO}/licenses/LICENSE")


def test_needs_seven_dependencies(metadata: Message) -> None:
    """The core asks for seven packages; everything else is an extra."""
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert ["attrs", "cachetools", "cattrs", "filelock", "platformdirs", "requests", "urllib3"] == sorted(
        line.split(">=")[0] for line in needed
    )


def test_offers_the_extras(metadata: Message) -> None:
    """Every extra of the documentation can be installed."""
    extras = {"all", "arrow", "cli", "demo", "dev", "fast", "fuzz", "postgres", "ray", "sandbox", "storage"}

    assert extras == set(metadata.get_all("Provides-Extra", []))
