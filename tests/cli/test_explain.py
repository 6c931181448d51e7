"""The codes of errors, and what the command says of each."""

from __future__ import annotations

import ast
import inspect

from pathlib import Path

import pytest

import synapse

from synapse import errors
from synapse.cli.explain import LANGUAGES, explanations
from synapse.client import exceptions

ROOT = Path(synapse.__file__).parent


def declared() -> set[str]:
    """Return the codes of all classes of errors."""
    members = [
        each for module in (errors, exceptions) for _, each in inspect.getmembers(module, inspect.isclass)
    ]
    return {each.code for each in members if issubclass(each, errors.SynapseError)}


def raised() -> set[str]:
    """Return the codes that are given where errors are made, or set later."""
    found = set()
    for path in ROOT.rglob("*.py"):
        if path.is_relative_to(ROOT / "sandbox"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
                given = [each.value for each in node.keywords if each.arg == "code"]
                found |= {each.value for each in given if isinstance(each, ast.Constant)}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_explained(language):
    """The codes that errors have are those that are explained, in order, in each language."""
    assert sorted(declared() | raised() | {"answer-timed-out", "answer-too-large", "wrong-command"}) == list(
        explanations(language)
    )


def test_every_code_stands_in_the_docs():
    """docs/errors.md has an anchor for each code."""
    page = (ROOT.parent / "docs" / "errors.md").read_text("utf-8")

    assert [code for code in explanations("en") if f"### {code}\n" not in page] == []


def test_no_explanation_is_a_stub():
    """Each text says something, in its own language."""
    for language, sample in (("en", " "), ("ko", "다.")):
        assert [
            code for code, text in explanations(language).items() if len(text) < 30 or sample not in text
        ] == []


def test_prints_one(ran):
    """`synapse explain CODE` prints the code and its text."""
    ended = ran("explain", "unknown-lookup", "--language", "en")

    assert (0, f"unknown-lookup\n\n{explanations('en')['unknown-lookup']}\n", "") == ended


@pytest.mark.parametrize(("name", "value"), [("SYNAPSE_LANGUAGE", "ko"), ("LANG", "ko_KR.UTF-8")])
def test_speaks_the_language_of_the_settings(ran, monkeypatch, name, value):
    """`SYNAPSE_LANGUAGE` and the locale choose Korean."""
    monkeypatch.setenv(name, value)

    assert f"conflict\n\n{explanations('ko')['conflict']}\n" == ran("explain", "conflict").out


def test_lists_all(ran):
    """Without a code, it lists them."""
    assert list(explanations("en")) == ran("explain").out.split()


def test_suggests_the_nearest(ran):
    """An unknown code is exit code 2, with the one that was meant."""
    ended = ran("explain", "unknown-lokup")

    assert (2, "") == (ended.code, ended.out)
    assert "did you mean 'unknown-lookup'?" in ended.err
