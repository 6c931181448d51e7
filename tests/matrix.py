"""Run the tests on the oldest and the newest versions that `pyproject.toml` allows.

python -m tests.matrix                      every leg
python -m tests.matrix floors 3.13 -- -x    some of them, with arguments for pytest
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".cache" / "matrix"
# What the tests need beside the package; type checkers and linters read the same source anywhere.
TOOLS: Final = (
    "duckdb",
    "flask",
    "flask-cors",
    "hypothesis",
    "moto",
    "polars",
    "pyftpdlib",
    "pytest",
    "trustme",
)
TESTS: Final = ("tests/unit", "tests/contract", "tests/faults", "tests/cli", "tests/storages")


@attrs.frozen
class Leg:
    """One environment: a Python, the end of each range of versions, and the extras that are installed."""

    name: str
    python: str
    lowest: bool = False
    extras: tuple[str, ...] = ("cli", "demo", "sandbox", "storage")

    @property
    def home(self) -> Path:
        """Where the environment is."""
        return FOLDER / self.name

    @property
    def interpreter(self) -> Path:
        """What runs in it."""
        return self.home / "bin" / "python"


FAST: Final = ("cli", "demo", "fast", "pandas", "sandbox", "storage")
# Django 5.2 is the last for Python 3.11; the others have the newest. Two legs read JSON without msgspec, and make no
# tables.
LEGS: Final = (
    Leg("floors", "3.11", lowest=True, extras=FAST),
    Leg("3.11", "3.11"),
    Leg("3.12", "3.12"),
    Leg("3.13", "3.13", extras=("all",)),
)


def main(arguments: list[str]) -> int:
    """Run the legs that were named, one after the other; say at the end which failed."""
    names, options = _split(arguments)
    known = {leg.name: leg for leg in LEGS}
    if unknown := [name for name in names if name not in known]:
        print(f"No leg {unknown[0]!r}. Legs: {', '.join(known)}", file=sys.stderr)
        return 2
    outcomes = {name: _run(known[name], options) for name in names or known}
    for name, outcome in outcomes.items():
        print(f"{name:8} {outcome}")
    return 0 if set(outcomes.values()) == {"passed"} else 1


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _run(leg: Leg, options: list[str]) -> str:
    python = find_python(leg.python)
    if python is None:
        return f"not run: no Python {leg.python} was found"
    print(f"== {leg.name}", flush=True)
    try:
        install(leg, python)
    except subprocess.CalledProcessError as error:
        return f"failed: {' '.join(map(str, error.cmd[:3]))} ended with {error.returncode}"
    paths = [] if any(option.startswith("tests/") for option in options) else TESTS
    command = [
        str(leg.interpreter),
        "-m",
        "pytest",
        "-q",
        "-o",
        f"cache_dir={leg.home}/pytest",
        *paths,
        *options,
    ]
    ended = subprocess.run(command, cwd=ROOT).returncode
    return "failed" if ended else "passed"


def install(leg: Leg, python: Path) -> None:
    """Make the environment anew: what the package needs first, then tools that must leave that as it is.

    What that needs in turn may change: the newest python-dateutil, which pandas would take, is none for moto.
    """
    shutil.rmtree(leg.home, ignore_errors=True)
    _uv("venv", "--python", str(python), str(leg.home))
    resolution = "lowest-direct" if leg.lowest else "highest"
    into = ("--python", str(leg.interpreter))
    package = f"{ROOT}[{','.join(leg.extras)}]"
    _uv("pip", "install", *into, "--resolution", resolution, "--editable", package)
    pins = leg.home / "pins.txt"
    installed = _uv("pip", "freeze", *into, "--exclude-editable").splitlines()
    own = _names(line for lines in [_project()["dependencies"], *_extras().values()] for line in lines)
    pins.write_text("\n".join(line for line in installed if _names([line]) <= own), encoding="utf-8")
    _uv("pip", "install", *into, "--constraint", str(pins), *_tools())


def _tools() -> list[str]:
    return [each for each in _extras()["dev"] if _names([each]) <= set(TOOLS)]


def _extras() -> dict[str, list[str]]:
    extras: dict[str, list[str]] = _project()["optional-dependencies"]
    return extras


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _names(requirements: Iterable[str]) -> set[str]:
    """Name the packages that requirements are for."""
    return {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in requirements}


def find_python(version: str) -> Path | None:
    """Find an interpreter on PATH or among pyenv's versions."""
    beside = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python3"))
    found = [Path(path) for path in [shutil.which(f"python{version}")] if path] + beside
    return next((path for path in found if _runs(path, version)), None)


def _runs(python: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return version == answer.stdout.strip()


def _uv(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("uv")), *arguments, "--quiet"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
