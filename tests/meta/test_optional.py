"""Every method whose code lies elsewhere has code of its signature there, and nothing else imports us by name."""

from __future__ import annotations

import ast
import inspect

from pathlib import Path

import synapse

from synapse.errors import ConfigError
from synapse.optional import METHODS, function_of

PACKAGE = Path(synapse.__file__).parent


def trees() -> dict[str, ast.Module]:
    """Parse every module of the package but the sandbox."""
    paths = [path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.relative_to(PACKAGE).parts]
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths
    }


def declared() -> dict[str, ast.FunctionDef]:
    """Find the methods that are declared with `@optional`."""
    return {
        f"{owner.name}.{method.name}": method
        for tree in trees().values()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, ast.FunctionDef) and "optional" in map(ast.unparse, method.decorator_list)
    }


def parameters(function: ast.FunctionDef) -> list[str]:
    """Name the parameters of a function that is read."""
    return [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]


def parameters_of_function(method: str) -> list[str]:
    """Name the parameters of a method's function; it is read where its library, such as Ray, is not installed."""
    try:
        return list(inspect.signature(function_of(method)).parameters)
    except ConfigError:
        module, _, name = METHODS[method].partition(":")
        tree = trees()[module.removeprefix("synapse.").replace(".", "/") + ".py"]
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        return parameters(functions[name])


def test_every_declared_method_has_its_entry() -> None:
    """`METHODS` names the declared methods, and no others."""
    assert sorted(METHODS) == sorted(declared())


def test_every_function_takes_what_its_method_does() -> None:
    """Each target exists, and has the parameters of the method, the object in the place of `self`."""
    for name, method in declared().items():
        assert parameters(method)[1:] == parameters_of_function(name)[1:], name


def test_nothing_else_imports_the_package_by_name() -> None:
    """What is imported by a text is seen by no contract: only lazy packages and this table may do so."""
    users = [
        name
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
        and not (isinstance(node.args[0], ast.Constant) and not node.args[0].value.startswith("synapse"))
    ]

    assert ["__init__.py", "entities/__init__.py", "optional.py"] == sorted(users)
