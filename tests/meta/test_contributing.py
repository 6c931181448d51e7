"""The recipes of CONTRIBUTING.md hold: five lines each, and what they name is there."""

from __future__ import annotations

import re
import tomllib

from pathlib import Path
from typing import Final

import pytest

import synapse

from synapse.dialects import v1_rows, v2_rows
from tests.meta.test_entities import ENTITIES, KNOWN_KEYS, SECOND_KEYS

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS: Final = dict(re.findall(r"^## (.+)\n\n((?:.+\n?)+)", PAGE, re.MULTILINE))
RECIPES: Final = [name for name in SECTIONS if name not in ("Budgets",)]
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")
PATH: Final = re.compile(r"^[\w.-]+(/[\w.-]*)*$")


def quoted(name: str) -> list[str]:
    """What a section has between backticks."""
    return re.findall(r"`([^`]+)`", SECTIONS[name])


def test_has_the_recipes() -> None:
    """What people come for has a section of its own."""
    wanted = ["an entity", "a lookup", "a command", "a documentation page"]

    assert ["Set up", "Run one test", *(f"Add {each}" for each in wanted)] == RECIPES


@pytest.mark.parametrize("name", RECIPES)
class TestEachRecipe:
    def test_is_five_lines(self, name: str) -> None:
        """One line a step."""
        assert [f"{number}." for number in range(1, 6)] == [
            line.split()[0] for line in SECTIONS[name].splitlines()
        ]

    def test_names_files_that_are_there(self, name: str) -> None:
        """A file that has moved is named anew."""
        paths = [each for each in quoted(name) if "/" in each or each.endswith((".md", ".txt"))]
        ours = [each for each in paths if PATH.match(each) and not each.startswith(".venv")]

        assert [] == [each for each in ours if not (ROOT / each).exists()]

    def test_names_commands_that_are_there(self, name: str) -> None:
        """`make x` is a target, and what is run from the environment is installed by it."""
        targets = {each.split()[1] for each in quoted(name) if each.startswith("make ")}
        tools = {each.split()[0] for each in quoted(name) if each.startswith(".venv/bin/")}
        dev = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][
            "dev"
        ]
        installed = {"python", *(re.split(r"[\[>]", each)[0] for each in dev)}

        assert set() == {each for each in targets if f"\n{each}: " not in MAKEFILE}
        assert {Path(each).name for each in tools} <= installed


class TestAnEntity:
    @pytest.mark.parametrize("cls", ENTITIES)
    def test_is_made_as_the_recipe_says(self, cls: type[synapse.Task]) -> None:
        """Each one that there is has what the recipe asks for, where it says."""
        resource = cls._schema.resource
        folder = ROOT / "synapse" / "entities"
        exports = (folder / "__init__.py").read_text("utf-8")
        declared = re.compile(rf"^@entity\(.*\)\nclass {cls.__name__}\((\w+Twins, )?Entity\):$", re.MULTILINE)

        assert 1 == sum(len(declared.findall(path.read_text("utf-8"))) for path in folder.glob("*.py"))
        first, second = v1_rows.ROWS.get(resource), v2_rows.ROWS.get(resource)
        assert (first and first.lists in KNOWN_KEYS) or (second and second.path in SECOND_KEYS)
        assert f'"{cls.__name__}"' in exports and cls.__name__ in synapse.__all__
        assert (ROOT / "docs" / "reference" / f"{resource}.md").exists()


def test_tells_which_tables_the_quick_run_takes_in_part() -> None:
    """Each module that takes a part of its cases is named under Budgets, and no other."""
    users = {
        path.parent.name if path.parent.name == "fuzz" else path.name
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^from tests\.amounts import .*\bpart\b", path.read_text("utf-8"), re.MULTILINE)
    }

    assert users == {Path(each).name for each in quoted("Budgets") if "test_" in each or each == "tests/fuzz"}


def test_the_same_extras_are_installed_with_and_without_make() -> None:
    """In CI on Windows, too, where there is no make."""
    extras = re.findall(r"^EXTRAS +\?= (\S+)$", MAKEFILE, re.MULTILINE)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")

    assert extras * 2 == [*re.findall(r"\.\[(\S+?)\]", PAGE), *re.findall(r"\.\[(\S+?)\]", workflow)]


def test_each_leg_at_night_is_a_target() -> None:
    """Fuzzing and mutations among them."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    legs = re.findall(r"leg: \[(.+)\]", workflow)[0].split(", ")

    assert {"fuzz", "mutate"} <= set(legs)
    assert [] == [each for each in legs if f"\n{each}: " not in MAKEFILE]


def test_the_hooks_before_a_commit_run_what_is_installed() -> None:
    """Nothing is fetched: every hook is local, and starts a tool of the environment."""
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    entries = re.findall(r"entry: (\S+)", text)

    assert ["local"] == re.findall(r"- repo: (\S+)", text)
    assert entries and {".venv/bin"} == {str(Path(each).parent) for each in entries}
    assert len(entries) == text.count("language: system")
