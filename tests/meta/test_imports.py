"""Importing the package is cheap, and needs nothing but the core dependencies."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from importlib.metadata import distributions, packages_distributions, requires
from typing import Final

import pytest

LATER: Final = {"requests", "urllib3", "cattrs", "django", "click", "rich", "numpy"}
# Used where it is installed, never required.
OPTIONAL: Final = {"msgspec", "orjson"}

READ_EVERY_NAME: Final = "import synapse\nfor name in synapse.__all__: getattr(synapse, name)"
LOADED_BY: Final = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the modules that it loaded."""
    command = [sys.executable, "-c", LOADED_BY.format(code=code)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def is_heavy(module: str) -> bool:
    """Say whether a module belongs to what is loaded on first use."""
    return module.split(".")[0] in LATER or module.startswith("synapse.entities")


def canonical(name: str) -> str:
    """Spell a distribution's name the one way that every spelling of it leads to."""
    return re.sub(r"[-_.]+", "-", name).lower()


def core_distributions() -> set[str]:
    """Return what `pip install synapse-orm` installs, and what that needs in turn."""
    installed = {canonical(found.metadata["Name"]) for found in distributions()}
    needed: set[str] = set()
    waiting = {"synapse-orm"}
    while waiting:
        needed |= waiting
        lines = [line for name in waiting for line in requires(name) or [] if "extra ==" not in line]
        waiting = {canonical(re.split(r"[^\w.-]", line)[0]) for line in lines} & installed - needed
    return needed


def test_the_package_loads_nothing_heavy() -> None:
    """`import synapse` loads neither a dependency nor an entity before it is used."""
    assert set() == {name for name in loaded_by("import synapse") if is_heavy(name)}


def test_every_public_name_needs_the_core_dependencies_only() -> None:
    """Reading every public name loads no third-party module beyond the core dependencies."""
    owners = packages_distributions()
    tops = {name.split(".")[0] for name in loaded_by(READ_EVERY_NAME)}
    used = {canonical(owner) for top in tops for owner in owners.get(top, [])}

    assert set() == used - core_distributions() - OPTIONAL


@pytest.mark.parametrize("name", ["django", "rest_framework", "click", "rich"])
def test_the_core_works_without_the_extras(name: str) -> None:
    """Reading every public name works where an extra is not installed."""
    assert "synapse" in loaded_by(f"sys.modules[{name!r}] = None\n{READ_EVERY_NAME}")
