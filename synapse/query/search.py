"""How the backend reads the text of a search: Django REST framework's rules, which no other part needs to know."""

from __future__ import annotations

import re

from typing import Final

# What stands between quotes stays together, also inside of a word; a quote without its pair is a letter.
_PIECE: Final = re.compile(r"""((?:[^\s'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s'"]*)+)|\S+)""")
_PLAIN: Final = re.compile(r"""[^\s'",\\]+""")
_MOST_WORDS: Final = 8
_LONGEST_WORD: Final = 100


def terms(text: str) -> list[str]:
    """Split text as the backend does; a row must hold every term, and an empty one is held by all of them."""
    found: list[str] = []
    for piece in _PIECE.findall(text):
        term = piece.strip(",")
        if term[:1] in ("'", '"') and term[0] == term[-1]:
            quote = term[0]
            found.append(term[1:-1].replace(f"\\{quote}", quote).replace("\\\\", "\\"))
        else:
            found += [part.strip() for part in term.split(",")]
    return [term for term in found if term]


def words_of(name: str) -> str:
    r"""Give a search that finds every row with this name, empty where there is none.

    A row is found by each part of its name that the backend reads as it stands. Commas, quotes and backslashes
    end such a part: `"a\"b"` is searched for as `a"b`, which the name does not hold.
    """
    words = dict.fromkeys(word[:_LONGEST_WORD] for word in _PLAIN.findall(name) if word.isprintable())
    return " ".join(sorted(words, key=len, reverse=True)[:_MOST_WORDS])
