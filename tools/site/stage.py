"""Lay out the pages of one language as Sphinx reads them; on GitHub they are read where they lie."""

from __future__ import annotations

import posixpath
import re
import shutil

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.site import api, client, commands
from tools.site.navigation import BESIDE, IN_ENGLISH_ALONE, ROOT_PAGES, UNTRANSLATED, below, contents

ROOT: Final = Path(__file__).resolve().parents[2]
FENCED: Final = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]*)(#[^)\s]+)?(?=\))")
HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Pages:
    """The pages of one language: in Korean those of `docs/ko/`, and in English what is not there."""

    def __init__(self, language: str, root: Path = ROOT) -> None:
        self.root, self.language, self.docs = root, language, root / "docs"
        english = sorted(
            each for each in self.docs.rglob("*.md") if "ko" not in each.relative_to(self.docs).parts
        )
        korean = sorted((self.docs / "ko").rglob("*.md")) if language == "ko" else []
        root_pages = [root / name for name in ROOT_PAGES]
        pictures = (path for path in self.docs.rglob("*") if path.suffix in (".png", ".webp"))
        self.pictures = {self.place(path): path for path in pictures}
        sources = {self.place(path): path for path in (*root_pages, *english, *korean)}
        left_out = IN_ENGLISH_ALONE if language != "en" else ()
        self.sources = {place: path for place, path in sources.items() if place not in left_out}

    def place(self, path: Path) -> str:
        """Tell where a page of the project stands on the site."""
        name = path.relative_to(self.root).as_posix()
        return ROOT_PAGES.get(name) or name.removeprefix("docs/").removeprefix("ko/")

    def is_korean(self, place: str) -> bool:
        """Tell whether a page is written in Korean."""
        return self.sources[place].is_relative_to(self.docs / "ko")

    def write(self, folder: Path) -> None:
        """Write all pages, with those that are made from the code, into an empty folder."""
        shutil.rmtree(folder, ignore_errors=True)
        made = {**api.pages(), "commands.md": commands.page(), "backend-client.md": client.page()}
        texts = {each: self.render(each) for each in self.sources} | made
        texts["index.md"] += "\n" + contents(self.language, texts)
        texts["reference/README.md"] += "\n" + below("reference", texts)
        for place, text in texts.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
        for place, picture in self.pictures.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, folder / place)

    def render(self, place: str) -> str:
        """Give the text of a page, as it is on the site."""
        text = outside_code(
            self.sources[place].read_text(encoding="utf-8"), lambda part: self.linked(place, part)
        )
        if self.is_korean(place):
            text = self.anchored(place, text)
        elif self.language == "ko":
            text = re.sub(r"\A(# .+\n)", rf"\1\n```{{note}}\n{UNTRANSLATED}\n```\n", text)
        if place.removesuffix(".md") in BESIDE:
            text = "---\norphan: true\n---\n" + text
        return text

    def linked(self, place: str, text: str) -> str:
        """Lead the links of a page to where the other pages are on the site."""
        source = self.sources[place]

        def moved(link: re.Match[str]) -> str:
            path, anchor = link.group(1), link.group(2) or ""
            target = self.target(source, path) if path else place
            if target is None:
                return link.group()
            found = posixpath.relpath(target, posixpath.dirname(place) or ".") if path else ""
            return found + self.anchor(target, anchor)

        return LINK.sub(moved, text)

    def target(self, source: Path, path: str) -> str | None:
        """Find what a link leads to; one that leads nowhere stays as it is, for Sphinx to refuse."""
        whole = Path(posixpath.normpath(posixpath.join(source.parent.as_posix(), path)))
        if not whole.is_relative_to(self.root):
            return None
        place = self.place(whole)
        return place if place in self.sources or place in self.pictures else None

    def anchor(self, place: str, anchor: str) -> str:
        """Name a heading by its English anchor; of a Korean page that lacks headings, name the whole page."""
        if not anchor or not self.is_korean(place):
            return anchor
        own, english = slugs(self.sources[place].read_text(encoding="utf-8")), slugs(self.english(place))
        if anchor[1:] in own or anchor[1:] not in english:
            return anchor
        return f"#{label(place, anchor[1:])}" if len(own) == len(english) else ""

    def english(self, place: str) -> str:
        """Read the page that a Korean one translates."""
        path = self.docs / place
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def anchored(self, place: str, text: str) -> str:
        """Give each heading of a Korean page the anchor of the English one, where they have the same headings."""
        anchors = slugs(self.english(place))
        if len(anchors) != len(slugs(text)):
            return text
        rest = iter(anchors)
        return outside_code(
            text,
            lambda part: HEADING.sub(lambda found: f"({label(place, next(rest))})=\n{found.group()}", part),
            fences_only=True,
        )


def label(place: str, slug: str) -> str:
    """Name an anchor so that it is the only one of the site."""
    return f"{place.removesuffix('.md').replace('/', '-')}--{slug}".lower()


def outside_code(text: str, change: Callable[[str], str], *, fences_only: bool = False) -> str:
    """Change the parts of a page that are no code."""
    parts = (re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE) if fences_only else FENCED).split(text)
    return "".join(part if place % 2 else change(part) for place, part in enumerate(parts))


def slugs(text: str) -> list[str]:
    """List the anchors of a page's headings, as GitHub makes them."""
    found: dict[str, None] = {}
    bare = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for _, title in HEADING.findall(bare):
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        number = sum(1 for each in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each))
        found[f"{slug}-{number}" if slug in found else slug] = None
    return list(found)
