"""Search in Korean: the index holds pairs of syllables, since particles and endings are written onto their words."""

from __future__ import annotations

import re

from typing import Final

from sphinx.search.en import SearchEnglish

RUN: Final = re.compile(r"[가-힣]+|[^\W가-힣]+")


class KoreanPairs(SearchEnglish):
    """Index each pair of neighbouring syllables; words in Latin letters go by their English stem.

    The name of the language stays "English": Sphinx makes the name of the stemmer from it.
    """

    lang = "ko"
    js_splitter_code = """
var splitQuery = (query) => (query.match(/[가-힣]+|[^\\W가-힣]+|[\\p{L}\\p{N}_]+/gu) || []).flatMap((run) =>
  /^[가-힣]{3,}$/.test(run) ? [...run].slice(1).map((each, place) => run[place] + each) : [run])
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 (the name is Sphinx's)
        """Split a text into the words that are indexed."""
        return [word for run in RUN.findall(input) for word in pairs(run)]


def pairs(run: str) -> list[str]:
    """Give the pairs of a run of syllables, or a run of other letters as it is."""
    if len(run) < 3 or not "가" <= run[0] <= "힣":
        return [run]
    return [run[place : place + 2] for place in range(len(run) - 1)]
