"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib

from importlib.util import find_spec
from pathlib import Path

import pytest

import synapse

from synapse.sandbox import Sandbox

PACKAGE = Path(synapse.__file__).parent
SKIPPED = ("synapse.sandbox", "synapse.cli")


def module_names() -> list[str]:
    """List the modules of the SDK, leaving out those that need Django or are commands."""
    files = sorted(PACKAGE.rglob("*.py"))
    dotted = (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in dotted if not name.startswith(SKIPPED)]


# What `make setup` does not install; these modules have no examples.
NEEDING = {"synapse.interop.ray": "ray", "synapse.interop.torch_rows": "torch"}


def examples(module: str) -> list[doctest.DocTest]:
    """Find the docstrings with examples that stand in one module."""
    if module in NEEDING and find_spec(NEEDING[module]) is None:
        return []
    loaded = importlib.import_module(module)
    public = {name: getattr(synapse, name) for name in synapse.__all__}
    found = doctest.DocTestFinder(exclude_empty=True).find(loaded, globs={**vars(loaded), **public})
    return [test for test in found if test.examples]


@pytest.mark.parametrize("module", [name for name in module_names() if examples(name)])
def test_examples_hold(module: str, backend: Sandbox) -> None:
    """Every example of a module prints what its docstring says."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)

    for test in examples(module):
        runner.run(test)

    assert 0 == runner.summarize(verbose=False).failed
