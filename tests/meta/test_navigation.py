"""The site leads to every page of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.site.navigation import BESIDE, PARTS, ROOT_PAGES

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


def test_every_page_is_in_the_navigation() -> None:
    """A page has its place in the order of the site; what is only linked is entered as such."""
    listed = {
        f"{name}.md" for name in [*BESIDE, "index", *(each for part in PARTS.values() for each in part)]
    }
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - set(ROOT_PAGES.values())

    assert set() == {each for each in written if not each.startswith(("reference/", "ko/"))} - listed
