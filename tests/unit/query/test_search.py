"""How the text of a search is split, which words find a name, and which text is refused.

`tests/sandbox/test_stock.py` holds the splitting against Django REST framework itself.
"""

from __future__ import annotations

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse import TaskTag
from synapse.errors import QueryError
from synapse.query.kinds import Search, Text
from synapse.query.search import terms, words_of
from synapse.testing import canned, page

TEXTS = st.text(alphabet=st.sampled_from("ab\"',\\ \t\n\x1c\u3000é"), max_size=12) | st.text(max_size=12)


class TestTerms:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("a b,c", ["a", "b", "c"]),
            ("'a, b' c", ["a, b", "c"]),
            ('"a\\"b"', ['a"b']),
            ("it's 5\" wide", ["it's", '5"', "wide"]),
            ('x" , , "', ['x"', '"']),
            ("a,,\u3000b", ["a", "b"]),
            (' , "" \'', []),
        ],
    )
    def test_end_at_blanks_and_commas_outside_of_quotes(self, text: str, found: list[str]) -> None:
        """A quote without its pair is a letter, and empty terms narrow nothing."""
        assert found == terms(text)


class TestWordsOf:
    @given(TEXTS.filter(str.strip))
    @example('"a\\"b"')
    @example("5\" pipe, 'red'")
    def test_finds_the_name(self, name: str) -> None:
        """Each term of the search is a part of the name."""
        assert all(term in name for term in terms(words_of(name)))

    @pytest.mark.parametrize("name", [",", '"', "\\", "', '", "\u200b"])
    def test_is_empty_where_no_word_is_left(self, name: str) -> None:
        """Such a name can only be found among all."""
        assert "" == words_of(name)

    def test_is_short_whatever_the_name(self) -> None:
        """The longest words of many are enough, and a part of a long one."""
        many = [f"word{'x' * number}" for number in range(50)]

        assert (8, 100) == (len(words_of(" ".join(many)).split()), len(words_of("y" * 5_000)))


class TestSearch:
    @pytest.mark.parametrize("text", [",", ",,", " , ", '"', "''", "\"\" ''", '","'[:2]])
    def test_refuses_text_without_a_term(self, text: str) -> None:
        """The backend would answer with everything."""
        with pytest.raises(QueryError, match=r"every row; \.params\(search=\.\.\.\) sends it nevertheless"):
            Search().check("Task.filter(search=...)", text)

    @pytest.mark.parametrize("text", ["a", "a,", '"a b"', "it's", '","', "+a", "-", "a " * 50])
    def test_takes_text_with_a_term(self, text: str) -> None:
        """It travels as it is."""
        assert text == Search().check("Task.filter(search=...)", text)

    @pytest.mark.parametrize("kind", [Search(), Text()])
    def test_refuses_null_characters(self, kind: Text) -> None:
        """No database holds one."""
        with pytest.raises(QueryError, match="takes text without NUL characters"):
            kind.check("Task.filter(search=...)", "a\0")

    def test_is_passed_by_where_that_is_meant(self) -> None:
        """A raw parameter travels as it is."""
        session = canned({"GET task_tags/": page()})

        list(TaskTag.objects.using(session).params(search=","))

        assert ("search", ",") in session.requests[0].params
