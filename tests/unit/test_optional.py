"""Methods whose code lies elsewhere."""

from __future__ import annotations

import inspect
import sys

import pytest

from synapse.errors import ConfigError
from synapse.optional import METHODS, needing, optional

HERE = "tests.unit.optional_target"


class Word(str):
    """A class that declares a method and does not hold its code."""

    __slots__ = ()

    @optional
    def shout(self, *, times: int = 1) -> str:
        """Repeat the word in capitals."""
        raise NotImplementedError


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> str:
    """Say where the code is."""
    monkeypatch.setitem(METHODS, "Word.shout", f"{HERE}:shout")
    return HERE


def test_calls_the_function_with_what_was_given(target: str) -> None:
    """The object comes first, as in a method."""
    assert "AA" == Word("a").shout(times=2)


def test_imports_it_with_the_first_call(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Declaring a method and reading it import nothing."""
    monkeypatch.delitem(sys.modules, target, raising=False)
    method = Word("a").shout

    assert target not in sys.modules
    method()
    assert target in sys.modules


def test_shows_its_own_signature() -> None:
    """Editors and `help()` show what was declared."""
    assert ("(self, *, times: 'int' = 1) -> 'str'", "Repeat the word in capitals.") == (
        str(inspect.signature(Word.shout)),
        Word.shout.__doc__,
    )


def test_tells_which_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, the error says what to install."""
    monkeypatch.setitem(METHODS, "Word.shout", "no_such_library.tables:shout")
    with pytest.raises(
        ConfigError, match=r"Word.shout\(\) needs no_such_library.*pip install no_such_library"
    ):
        Word("a").shout()


def test_a_broken_module_of_ours_is_no_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistake is told as it is."""
    monkeypatch.setitem(METHODS, "Word.shout", "synapse.no_such_module:shout")
    with pytest.raises(ModuleNotFoundError, match="synapse.no_such_module"):
        Word("a").shout()


def test_a_library_that_an_extra_brings_is_named_with_it() -> None:
    """The refusal says what to install, and has the code that `synapse explain` knows."""
    words = r'^to_arrow\(\) needs nanoarrow, .* pip install "synapse-orm\[arrow\]". Nothing was sent$'
    with pytest.raises(ConfigError, match=words) as caught, needing("arrow", what="to_arrow()"):
        raise ModuleNotFoundError(name="nanoarrow")

    assert "missing-library" == caught.value.code
