"""How Sphinx builds the pages of one language; `python -m tools.site` gives the language."""

from __future__ import annotations

import re

from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx

import synapse

from tools.site.korean import KoreanPairs
from tools.site.navigation import LANGUAGES

project = "synapse-orm"
version = release = synapse.__version__
extensions = ["myst_parser", "tools.site.names"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
root_doc = "index"
nitpicky = True
# Signatures name types of other packages, and ours by the last word alone: there are two of the name `Session`.
nitpick_ignore_regex = [("py:class", ".*"), ("py:obj", "None")]
suppress_warnings = ["ref.python"]
highlight_language = "text"

toc_object_entries = False

html_theme = "furo"
html_title = "synapse-orm"
html_copy_source = False
# Names are found by the search; an index of all is a tenth of a megabyte in each language.
html_use_index = False
html_domain_indices = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = [str(Path(__file__).with_name("static"))]
templates_path = [str(Path(__file__).with_name("templates"))]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_sidebars = {
    "**": [
        *("sidebar/brand.html", "language.html", "sidebar/search.html"),
        *("sidebar/scroll-start.html", "sidebar/navigation.html", "sidebar/scroll-end.html"),
    ]
}


def to_other_language(app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Tell the template where the page is in the other language: what is there in one alone leads to the start."""
    [other] = LANGUAGES.keys() - {app.config.language}
    there = page == "search" or (app.srcdir.parents[1] / other / "pages" / f"{page}.md").exists()
    context["other"] = {
        "language": other,
        "name": LANGUAGES[other],
        "page": f"../{other}/{page if there else 'index'}.html",
    }


PLAIN: Final = re.compile(r'<span class="(?:pre|w)">([^<]*)</span>')
SIGNATURE: Final = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
WORD: Final = re.compile(r'<span class="[nop]">((?:(?!</?span).)*)</span>')
BRANCH: Final = re.compile(r'<input[^>]*class="toctree-checkbox".*?</ul>', re.DOTALL)


def make_lighter(app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Drop the tags of words that no style is for, and on other pages the list of all entities: a fifth of the site."""
    body = PLAIN.sub(r"\1", context.get("body", ""))
    context["body"] = SIGNATURE.sub(lambda found: WORD.sub(r"\1", WORD.sub(r"\1", found.group())), body)
    if not page.startswith(("reference/", "api/")):
        context["furo_navigation_tree"] = BRANCH.sub("", context["furo_navigation_tree"])


def setup(app: Sphinx) -> None:
    """Teach Sphinx to search in Korean, and to lead from one language to the other."""
    app.add_search_language(KoreanPairs)
    app.connect("html-page-context", to_other_language)
    app.connect("html-page-context", make_lighter, priority=900)  # after the theme
