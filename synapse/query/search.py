"""How the backend splits the text of a search, by the rules of Django REST framework."""

from __future__ import annotations

import re

from typing import Final

# Quoted text is one term, even inside a word; a quote without its pair is an ordinary character.
_PIECE: Final = re.compile(r"""((?:[^\s'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s'"]*)+)|\S+)""")
_PLAIN: Final = re.compile(r"""[^\s'",\\]+""")
_MOST_WORDS: Final = 8
_LONGEST_WORD: Final = 100


def terms(text: str) -> list[str]:
    """Split text as the backend does: a row matches if it holds every term; all rows hold an empty one."""
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
    r"""Return a search text that finds every row of this name; empty if there is none.

    Commas, quotes and backslashes separate the parts that are searched for: the backend reads `"a\"b"` as `a"b`, which
    the name does not hold.
    """
    words = dict.fromkeys(word[:_LONGEST_WORD] for word in _PLAIN.findall(name) if word.isprintable())
    return " ".join(sorted(words, key=len, reverse=True)[:_MOST_WORDS])
