"""Measure the structure of the package: `make structure` prints it, `tests/meta/test_structure.py` holds the limits.

Everything but the entered modules is read from the syntax trees, so imports under `TYPE_CHECKING` and inside functions
count as much as any other. The sandbox is a program of its own and is left out.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import threading

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from synapse import DataCollection

ROOT: Final = Path(__file__).resolve().parents[1]
# Not what follows an underscore or a letter: `dm_schema_v1` is a form of annotations, and `TLSV1` no API.
GENERATION: Final = re.compile(r"(?<![a-z_])v[12](?![a-z0-9])", re.IGNORECASE)
# What only a dialect needs to know: names of query parameters, and of the members of a page.
WIRE_WORDS: Final = frozenset(
    ("ordering", "page", "page_size", "per_page", "cursor", "expand", "results", "next", "previous", "Token")
)
KNOW_A_GENERATION: Final = ("dialects", "client", "clients", "cli", "annotations", "interop")
MAY_MEET: Final = ("entities", "client")
BRANCHES: Final = (
    ast.If, ast.For, ast.While, ast.Try, ast.With, ast.IfExp, ast.BoolOp, ast.comprehension, ast.match_case,
)  # fmt: skip


class Package:
    """The modules of the SDK, parsed once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.folder = root / "synapse"
        self.paths = {
            self._named(path): path
            for path in sorted(self.folder.rglob("*.py"))
            if "sandbox" not in path.relative_to(self.folder).parts
        }
        self.texts = {name: path.read_text("utf-8") for name, path in self.paths.items()}
        self.trees = {name: ast.parse(text) for name, text in self.texts.items()}

    def _named(self, path: Path) -> str:
        parts = path.relative_to(self.folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def layer(self, module: str) -> str:
        """Name the package directly below `synapse` that a module is in, or the module itself."""
        return (module.split(".") + [""])[1]

    def outside(self, layers: tuple[str, ...]) -> list[str]:
        """Return the modules that are in none of these packages."""
        return [module for module in self.trees if self.layer(module) not in layers]


# ------------------------------------------------------------------------------------------------------- imports
def imports(package: Package, module: str) -> set[str]:
    """Return the modules of the package that a module imports anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(package.trees[module]):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {
                f"{node.module}.{each.name}" if f"{node.module}.{each.name}" in package.trees else node.module
                for each in node.names
            }
    return {name for name in found if name in package.trees and name != module}


def cycles(package: Package) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle, the largest first."""
    modules = package.outside(MAY_MEET)
    reached = {module: _reached(package, module, frozenset(modules)) for module in modules}
    groups = {
        frozenset({other for other in reached[module] if module in reached[other]} | {module})
        for module in modules
        if module in reached[module]
    }
    return sorted((sorted(group) for group in groups), key=len, reverse=True)


def _reached(package: Package, start: str, among: frozenset[str]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for module in _edges(package, waiting.pop()) & among - found:
            found.add(module)
            waiting.append(module)
    return found


@cache
def _edges(package: Package, module: str) -> frozenset[str]:
    return frozenset(imports(package, module))


# ------------------------------------------------------------------------------------------------------- privacy
def foreign_private_reads(package: Package) -> list[tuple[str, int, str]]:
    """Return the reads of underscored attributes that their own module does not define, each with module and line."""
    return [
        (module, node.lineno, node.attr)
        for module, tree in package.trees.items()
        for node in _attributes(tree)
        if node.attr not in _defined(package, module)
    ]


def _attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Yield reads such as `entity._state`, but neither `self._state` nor dunder names."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
            continue
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
            yield node


@cache
def _defined(package: Package, module: str) -> frozenset[str]:
    """Return the names that a module's classes and functions define: methods, and whatever is assigned to."""
    names: set[str] = set()
    for node in ast.walk(package.trees[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return frozenset(names)


# --------------------------------------------------------------------------------------------------------- words
def naming_a_generation(package: Package) -> list[str]:
    """Return the modules above the dialects that name an API generation, be it in a comment."""
    return [
        module for module in package.outside(KNOW_A_GENERATION) if GENERATION.search(package.texts[module])
    ]


def wire_words(package: Package) -> Counter[str]:
    """Count, by module, the strings above the dialects that are words of the wire."""
    return Counter(
        module
        for module in package.outside(KNOW_A_GENERATION)
        for node in ast.walk(package.trees[module])
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in WIRE_WORDS
    )


# --------------------------------------------------------------------------------------------------------- sizes
def lines(package: Package) -> Counter[str]:
    """Count the lines of each package directly below `synapse`."""
    counted: Counter[str] = Counter()
    for module, text in package.texts.items():
        counted[package.layer(module) or "synapse"] += len(text.splitlines())
    return counted


def files(package: Package) -> Counter[str]:
    """Count the Python files of each folder."""
    return Counter(str(path.parent.relative_to(package.folder.parent)) for path in package.paths.values())


def hardest(package: Package, *, many: int = 10) -> list[str]:
    """Return the modules with the most branches."""
    branches = {
        module: sum(isinstance(node, BRANCHES) for node in ast.walk(tree))
        for module, tree in package.trees.items()
    }
    return sorted(branches, key=branches.__getitem__, reverse=True)[:many]


def comment_share(package: Package, modules: list[str]) -> float:
    """Return the share of comment lines among the lines of these modules that are not empty."""
    written = [
        line.strip() for module in modules for line in package.texts[module].splitlines() if line.strip()
    ]
    return sum(line.startswith("#") for line in written) / len(written)


# ------------------------------------------------------------------------------------------------------- entered
def entered(work: Callable[[], object]) -> set[str]:
    """Return the modules of which a function runs while *work* does, in any thread."""
    seen: set[str] = set()

    def profile(frame: FrameType, event: str, _: object) -> None:
        # A module or a class that is being defined is no function that somebody has to read to follow the flow.
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            seen.add(frame.f_code.co_filename)

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {name for name, path in Package().paths.items() if str(path) in seen}


def read_five_rows() -> None:
    """Read five tasks, and the metadata of one of them."""
    from synapse import Task

    tasks = list(Task.objects.all()[:5])
    assert len(tasks) == 5
    _ = tasks[0].meta


def upload_two(collection: DataCollection, folder: Path) -> None:
    """Upload two pictures that the backend does not have."""
    for name in ("a", "b"):
        (folder / f"{name}.png").write_bytes(name.encode())
    report = collection.upload([{"files": {"image_1": folder / f"{name}.png"}} for name in ("a", "b")])
    assert len(report.created) == 2


def flows(folder: Path) -> dict[str, set[str]]:
    """Return the modules entered by the two flows, against a sandbox of their own."""
    import synapse
    import synapse.uploads  # whose import would count as a part of the first upload

    from synapse.sandbox import serve

    # Modules of entities are imported with their first use, which would count as a part of the first flow.
    for name in synapse.__all__:
        getattr(synapse, name)
    with (
        serve(seed="demo") as sandbox,
        synapse.Session(sandbox.url, api_token=sandbox.api_token, tenant=sandbox.tenant, state_dir=folder),
    ):
        collection = synapse.DataCollection.objects.first()
        assert collection is not None
        return {
            "five rows and one task.meta": entered(read_five_rows),
            "collection.upload of two": entered(lambda: upload_two(collection, folder)),
        }


# -------------------------------------------------------------------------------------------------------- report
def main() -> None:
    """Print the figures."""
    package = Package()
    largest = cycles(package)
    print(f"largest import cycle: {len(largest[0]) if largest else 0} modules")
    for group in largest:
        print(f"    {' '.join(group)}")
    print(f"reads of other modules' underscored attributes: {len(foreign_private_reads(package))}")
    for name, many in Counter(attr for _, _, attr in foreign_private_reads(package)).most_common(12):
        print(f"    {many:4} {name}")
    named = naming_a_generation(package)
    print(f"files above the dialects that name an API generation: {len(named)}  {' '.join(named)}")
    words = wire_words(package)
    print(f"words of the wire above the dialects: {words.total()}")
    for module, many in words.most_common():
        print(f"    {many:4} {module}")
    print(
        "widest folders: " + ", ".join(f"{folder} {many}" for folder, many in files(package).most_common(5))
    )
    print(
        f"comment lines in the ten modules with most branches: {comment_share(package, hardest(package)):.1%}"
    )
    print(f"    {' '.join(hardest(package))}")
    with TemporaryDirectory() as folder:
        for flow, modules in flows(Path(folder)).items():
            print(f"modules entered by {flow}: {len(modules)}\n    {' '.join(sorted(modules))}")
    counted = lines(package)
    print(
        f"lines: {counted.total()}\n    "
        + ", ".join(f"{name} {many}" for name, many in counted.most_common())
    )


if __name__ == "__main__":
    main()
