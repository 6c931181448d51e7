"""The generated types say what the declarations do, and what the declarations say holds at run time."""

from __future__ import annotations

import ast

from typing import get_args

import pytest

import synapse.typing

from synapse.errors import QueryError
from synapse.orm import Entity
from tests.meta.shown import ENTITIES
from tools import build_typed


@pytest.fixture(scope="module")
def stub() -> dict[str, ast.ClassDef]:
    """The classes of the generated file."""
    tree = ast.parse(build_typed.STUB.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def members(stub: dict[str, ast.ClassDef], name: str) -> list[str]:
    """The names that a generated class declares."""
    return [node.target.id for node in stub[name].body if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]


def test_are_up_to_date() -> None:
    """`make typed` would write the same file."""
    assert build_typed.STUB.read_text(encoding="utf-8") == build_typed.render()


def test_every_exported_name_is_there_at_run_time() -> None:
    """What a type checker takes from `synapse.typing` can be imported."""
    assert [] == [name for name in dir(synapse.typing) if not hasattr(synapse.typing, name)]


@pytest.mark.parametrize("cls", ENTITIES)
class TestEachEntity:
    def test_lookups_are_the_same_at_run_time(self, cls: type[Entity], stub: dict[str, ast.ClassDef]) -> None:
        """The names of `TaskLookups` are those of the generated file."""
        found = getattr(synapse.typing, f"{cls.__name__}Lookups")

        assert members(stub, f"{cls.__name__}Lookups") == list(found.__annotations__)

    def test_every_lookup_is_one_of_the_catalog(self, cls: type[Entity]) -> None:
        """A spelling that editors offer is known when it runs; `object()` is the value of none."""
        for spelling in cls._catalog.every_spelling():
            with pytest.raises(QueryError, match=r"takes|got"):
                cls.objects.filter(**{spelling: object()})

    def test_exclusions_are_those_that_the_backend_answers(
        self, cls: type[Entity], stub: dict[str, ast.ClassDef]
    ) -> None:
        """Those that editors don't offer are refused, whatever their value."""
        offered = members(stub, f"{cls.__name__}Exclusions")
        values = {"bool": True, "str": "a", "date | str": "2026-01-01"}
        for node in stub[f"{cls.__name__}Lookups"].body:
            if isinstance(node, ast.AnnAssign) and (name := ast.unparse(node.target)) not in offered:
                with pytest.raises(QueryError, match="cannot exclude|takes a"):
                    cls.objects.exclude(**{name: values.get(ast.unparse(node.annotation), 1)})

    def test_names_of_fields_and_orders_are_taken(self, cls: type[Entity]) -> None:
        """By `only()` and `order_by()`."""
        cls.objects.only(*get_args(getattr(synapse.typing, f"{cls.__name__}Field")))
        cls.objects.order_by(*get_args(getattr(synapse.typing, f"{cls.__name__}Order")))
