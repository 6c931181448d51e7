"""Write what type checkers and editors know of asynchronous twins: `synapse/asynchronous/typed.pyi`.

The signatures are those of the methods that are declared with `@sends`, as they stand in the source.
"""

from __future__ import annotations

import ast
import builtins
import re

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import synapse

PACKAGE: Final = Path(synapse.__file__).parent
STUB: Final = PACKAGE / "asynchronous" / "typed.pyi"
HEADER: Final = '''\
"""What type checkers and editors know of asynchronous twins; `make typed` writes this file."""

# The twins of a class are narrower than those of its bases, as its methods are.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

'''
STREAMED: Final = {"Rows": "{}", "Iterator": "{}", "Batches": "Batch"}
"""What the twin of a method that streams gives, by what the method returns."""


class Source(NamedTuple):
    """A class that has methods which send, and the module that declares it."""

    module: str
    tree: ast.Module
    node: ast.ClassDef

    def methods(self) -> Iterator[tuple[ast.FunctionDef, ast.expr]]:
        """Give each method that sends, with its decorator."""
        for each in self.node.body:
            for decorator in each.decorator_list if isinstance(each, ast.FunctionDef) else ():
                if ast.unparse(decorator).partition("(")[0] == "sends":
                    assert isinstance(each, ast.FunctionDef)
                    yield each, decorator


def every_source() -> list[Source]:
    """List the classes that declare methods with `@sends`."""
    found: list[Source] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "@sends" not in text or "sandbox" in path.relative_to(PACKAGE).parts:
            continue
        tree = ast.parse(text)
        module = ".".join(("synapse", *path.relative_to(PACKAGE).with_suffix("").parts))
        found += [Source(module, tree, each) for each in tree.body if isinstance(each, ast.ClassDef)]
    return [each for each in found if any(each.methods())]


def twin(source: Source, method: ast.FunctionDef, decorator: ast.expr) -> str:
    """Declare the twin of a method."""
    options = {each.arg: ast.literal_eval(each.value) for each in getattr(decorator, "keywords", ())}
    taken = ast.parse(ast.unparse(method.args).join(("def f(", "): ..."))).body[0]
    assert isinstance(taken, ast.FunctionDef)
    taken.args.defaults = [ast.Constant(...) for _ in taken.args.defaults]
    taken.args.kw_defaults = [each and ast.Constant(...) for each in taken.args.kw_defaults]
    returns = (
        streamed(method.returns)
        if options.get("streams")
        else ast.unparse(method.returns or ast.Constant(None))
    )
    word = "def" if options.get("streams") else "async def"
    return f"    {word} {options.get('twin') or f'a{method.name}'}({ast.unparse(taken.args)}) -> {returns}: ...\n"


def streamed(returns: ast.expr | None) -> str:
    """Spell what the twin of a method that streams returns."""
    kind, _, of = ast.unparse(returns or ast.Constant(None)).partition("[")
    return f"AsyncRows[{STREAMED[kind].format(of.removesuffix(']'))}]"


def type_variables(source: Source) -> set[str]:
    """Name the type variables of a module."""
    return {
        ast.unparse(each.targets[0])
        for each in source.tree.body
        if isinstance(each, ast.Assign) and ast.unparse(each.value).startswith("TypeVar(")
    }


def names_in(text: str) -> set[str]:
    """List the names that a declaration needs."""
    found = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return {name for name in found if not hasattr(builtins, name)}


def origins(source: Source) -> dict[str, str]:
    """Tell where each name of a module is from, as an import."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            found.update({each.name: f"from {node.module} import {each.name}" for each in node.names})
        elif isinstance(node, ast.Import):
            found.update({each.name: f"import {each.name}" for each in node.names})
    for node in source.tree.body:
        defined = [node.name] if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.Assign):
            defined = [each.id for each in node.targets if isinstance(each, ast.Name)]
        if isinstance(node, ast.AnnAssign):
            defined = [ast.unparse(node.target)]
        found.update({name: f"from {source.module} import {name}" for name in defined})
    found.update(
        AsyncRows="from synapse.asynchronous.bridge import AsyncRows",
        Batch="from synapse.interop.tables.table import Batch",
    )
    return found


def imported(statement: str, name: str) -> object:
    """Give what an import makes known by a name."""
    found: dict[str, object] = {}
    exec(statement, found)
    return found[name]


def render() -> str:
    """Give the whole file, not formatted yet."""
    imports: dict[str, str] = {}
    blocks: list[str] = []
    variables: set[str] = set()
    for source in every_source():
        methods = "".join(twin(source, *each) for each in source.methods())
        text = f"class X:\n{methods}"
        own = sorted(names_in(text) & type_variables(source))
        variables |= set(own)
        known = origins(source)
        for name in sorted(names_in(text) - set(own) - {"X"}):
            statement = imports.setdefault(name, known[name])
            if statement != known[name] and imported(statement, name) is not imported(known[name], name):
                # Two modules mean different things by the same name.
                other = f"{known[name].split()[1].partition('.')[0].capitalize()}{name}"
                imports[other] = f"{known[name]} as {other}"
                methods = re.sub(rf"\b{name}\b", other, methods)
        base = f"(Generic[{', '.join(own)}])" if own else ""
        blocks.append(f"class {source.node.name}Twins{base}:\n{methods}")
    imports["Generic"] = "from typing import Generic, TypeVar"
    declared = "".join(f'{name} = TypeVar("{name}")\n' for name in sorted(variables))
    return f"{HEADER}{chr(10).join(sorted(set(imports.values())))}\n\n{declared}\n{chr(10).join(blocks)}"
