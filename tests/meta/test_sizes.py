"""The package stays small in every part: modules, functions, signatures."""

from __future__ import annotations

import ast

from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "synapse"
MODULE_LINES: Final = 500
BODY_LINES: Final = 50
POSITIONAL: Final = 2
# Django calls the backend's methods by position; the flat client keeps the documented client's signatures.
FOREIGN_SIGNATURES: Final = (
    PACKAGE / "sandbox" / "backend",
    PACKAGE / "client",
    PACKAGE / "interop" / "storages" / "filesystem.py",  # those of fsspec
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: Path) -> list[Path]:
    """Return the Python files of a folder, but for generated migrations."""
    return sorted(path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a module, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[Function, bool]]:
    """Yield the functions and methods that a user may call, each with whether it is a method."""
    for node in tree.body:
        if isinstance(node, Function) and (node.name == "__init__" or not node.name.startswith("_")):
            yield node, isinstance(tree, ast.ClassDef)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)


def body_lines(function: Function) -> int:
    """Count the lines of a function's body, its docstring aside."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body and function.end_lineno else 0


def positional(function: Function, *, is_method: bool) -> int:
    """Count the parameters that can be given by position, `self` aside."""
    names = {node.id for node in function.decorator_list if isinstance(node, ast.Name)}
    count = len(function.args.posonlyargs) + len(function.args.args)
    return count - 1 if is_method and "staticmethod" not in names else count


def where(path: Path, function: Function) -> str:
    """Name a function the way an editor can open it."""
    return f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"


def test_modules_are_short() -> None:
    """No module, of the package or of its tests, is longer than 500 lines."""
    paths = modules(PACKAGE) + modules(ROOT / "tests")
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}

    assert {} == {path: length for path, length in lengths.items() if length > MODULE_LINES}


def test_function_bodies_are_short() -> None:
    """No function body is longer than 50 lines."""
    found = [
        f"{where(path, function)}: {body_lines(function)} lines"
        for path in modules(PACKAGE)
        for function in functions(ast.parse(path.read_bytes()))
        if body_lines(function) > BODY_LINES
    ]

    assert [] == found


def test_public_functions_take_few_positional_parameters() -> None:
    """No public function takes more than two parameters by position."""
    found = [
        f"{where(path, function)}: {positional(function, is_method=is_method)} parameters"
        for path in modules(PACKAGE)
        if not any(path.is_relative_to(folder) for folder in FOREIGN_SIGNATURES)
        for function, is_method in public_functions(ast.parse(path.read_bytes()))
        if positional(function, is_method=is_method) > POSITIONAL
    ]

    assert [] == found
