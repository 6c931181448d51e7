"""The wheel holds the package and nothing else, the source archive what is tracked, and both are the same each time."""

from __future__ import annotations

import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Final

import pytest

from tests.matrix import LEGS

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INFO: Final = f"synapse_orm-{PROJECT['version']}.dist-info"


def built(target: str, folder: Path, *, source: Path = ROOT, moment: str | None = None) -> Path:
    """Build the wheel or the source archive of a tree."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    environment = {**os.environ, **({"SOURCE_DATE_EPOCH": moment} if moment else {})}
    subprocess.run(command, cwd=source, check=True, capture_output=True, env=environment)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel once and open it."""
    with zipfile.ZipFile(built("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """Read what the wheel says of itself."""
    return email.message_from_bytes(wheel.read(f"{INFO}/METADATA"))


def source_files(*folders: str) -> set[str]:
    """Return the files of folders, as git would list them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_holds_the_package_and_its_metadata_only(wheel: zipfile.ZipFile) -> None:
    """Nothing lands beside the package in the user's environment."""
    assert {"synapse", INFO} == {name.split("/")[0] for name in wheel.namelist()}


def test_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """The wheel has the source files of the package, all of them and no more."""
    assert source_files("synapse") == {name for name in wheel.namelist() if name.startswith("synapse/")}


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
    extras = {
        "all",
        "arrow",
        "cli",
        "demo",
        "dev",
        "docs",
        "fast",
        "formats",
        "fuzz",
        "notebook",
        "pandas",
        "parquet",
        "postgres",
        "sandbox",
        "ray",
        "storage",
    }

    assert {*extras, "sandbox"} == set(metadata.get_all("Provides-Extra", []))


def test_all_means_all() -> None:
    """`pip install synapse-orm[all]` brings every extra but those that work on the package itself."""
    [everything] = PROJECT["optional-dependencies"]["all"]
    named = everything.removeprefix("synapse-orm[").removesuffix("]").split(",")

    assert {*PROJECT["optional-dependencies"]} - {"all", "dev", "docs", "fuzz"} == set(named)


def test_constraints_pin_every_extra() -> None:
    """`make constraints` leaves out nothing that an extra asks for, but what fuzzes."""
    pinned = set(
        re.findall(r"^[\w.-]+(?===)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    wanted = {
        re.split(r"[^\w.-]", line)[0].lower().replace("_", "-")
        for extra, lines in PROJECT["optional-dependencies"].items()
        if extra != "fuzz"
        for line in lines
    }

    assert set() == wanted - pinned - {"synapse-orm"}


def test_needs_a_python_that_is_tested(metadata: Message) -> None:
    """No other Python installs it, and those that are named are those of the legs."""
    prefix = "Programming Language :: Python :: 3."
    named = {
        line.removeprefix(prefix) for line in metadata.get_all("Classifier", []) if line.startswith(prefix)
    }

    assert ">=3.11" == metadata["Requires-Python"]
    assert {leg.python.removeprefix("3.") for leg in LEGS} == named


def test_shows_the_readme(metadata: Message) -> None:
    """The page of the package is the README, told to be Markdown."""
    text = metadata.get_payload(decode=True)

    assert "text/markdown" == metadata["Description-Content-Type"]
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() == bytes(text).decode().strip()


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Copy this tree to two places, the second time with other moments."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for name in source_files("."):
        for source, target in ((ROOT, first), (first, second)):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)
        os.utime(second / name, (0, 0))
    return first, second


@pytest.mark.parametrize("target", [pytest.param("sdist", marks=pytest.mark.full), "wheel"])
def test_is_the_same_each_time(target: str, trees: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever builds the same source gets the same bytes."""
    digests = set()
    for number, source in enumerate(trees):
        archive = built(target, tmp_path / str(number), source=source, moment="1700000000")
        digests.add(hashlib.sha256(archive.read_bytes()).hexdigest())

    assert 1 == len(digests)


def test_the_source_archive_holds_what_is_tracked(tmp_path: Path) -> None:
    """Neither settings, keys, caches nor environments of whoever built it travel along."""
    with tarfile.open(built("sdist", tmp_path)) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}

    assert {"PKG-INFO"} == held - source_files(".")
    assert {"LICENSE", "README.md", "SECURITY.md", "pyproject.toml", "synapse/py.typed"} <= held
