"""What SECURITY.md promises, and the tests that it names for each promise."""

from __future__ import annotations

import ast
import re

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)*)`")


class Promise(NamedTuple):
    """One line of the table."""

    words: str
    proofs: tuple[str, ...]

    def proof(self, name: str) -> str | None:
        """Return the address of a named test, or of one within it, by its name there or by that of its file."""
        for proof in self.proofs:
            path, _, inner = proof.partition("::")
            if path.endswith(f"/{name}") or (inner and f"{name}::".startswith(f"{inner}::")):
                return path if not inner else f"{path}::{name}"
        return None


@cache
def promises() -> tuple[Promise, ...]:
    """Read the table; it is its paths that change when a test moves, and nothing here."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = text.split("| --- | --- |\n")[2].split("\n\n")[0].splitlines()
    found = (row.strip("| ").rpartition(" | ") for row in rows)
    return tuple(
        Promise(words, tuple(path + inner for path, inner in NAMED.findall(tests)))
        for words, _, tests in found
    )


def exists(address: str) -> bool:
    """Tell whether a module has a function or class of that name, and that one the next."""
    path, *inner = address.split("::")
    if not (ROOT / path).is_file():
        return False
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for name in inner:
        names = {each.name: each.body for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
        if name not in names:
            return False
        body = names[name]
    return True
