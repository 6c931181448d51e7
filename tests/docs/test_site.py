"""The site: nothing comes from elsewhere, its search finds what is there, and what leads nowhere fails the build."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import zlib

from pathlib import Path
from typing import Any, Final

import pytest

import synapse

from tests.interop.own_env import ensure_browser

pytest.importorskip("sphinx", reason="without the extra `docs` NOTHING of the site is built")

ROOT: Final = Path(__file__).resolve().parents[2]
LOADED: Final = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)"
    r"|<link\b[^>]*\bhref=\"([^\"]+)|url\(['\"]?([^'\")]+)|@import ['\"]([^'\"]+)"
)
WORDS: Final = {
    "en": {
        "checkpoint": "queries", "polygon": "annotations", "journal": "writing", "polars": "tables",
        "coco": "formats", "sftp": "clusters-and-storages", "proxies": "sessions", "cassettes": "testing",
        "WriteUnconfirmedError": "errors", "latency": "recovery", "ipython": "editor", "admin": "sandbox",
    },
    "ko": {
        "올리": "tutorial", "데이터 컬렉션": "tutorial", "사양": "tutorial", "쿼리셋": "queries",
        "지연 평가": "queries", "체크포인트": "queries", "어노테이션": "annotations", "내보내": "formats",
        "설치": "install", "토큰": "install", "검수자": "glossary", "저장하": "writing",
    },
}  # fmt: skip
PAGE: Final = """# Start

## Some heading

```{{py:function}} synapse.connect()
```

{text}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, in both languages."""
    from tools.site.__main__ import build

    folder = tmp_path_factory.mktemp("site")
    assert build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def looks(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Chromium shows of the pages that people write, light and dark, wide and narrow."""
    python, chromium = ensure_browser()
    written = sorted((*site.glob("*/*.html"), *site.glob("*/cookbook/*.html")))
    names = json.dumps([each.relative_to(site).as_posix() for each in written])
    script, folder = Path(__file__).with_name("look_at_site.py"), tmp_path_factory.mktemp("looks")
    command = [str(python), str(script), chromium, str(site), str(folder), names, "[]"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def seen(site: Path) -> Any:
    """What the search finds in Chromium, from the files alone."""
    python, chromium = ensure_browser()
    words = json.dumps({language: list(each) for language, each in WORDS.items()})
    command = [str(python), str(Path(__file__).with_name("search_site.py")), chromium, str(site), words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.mark.full
class TestSite:
    def test_is_small(self, site: Path) -> None:
        """Both languages together take at most 10 MB."""
        assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 10_000_000

    def test_loads_nothing_from_elsewhere(self, site: Path) -> None:
        """No script, style, font or picture has an address of another host."""
        texts = [path.read_text("utf-8") for path in site.rglob("*") if path.suffix in (".html", ".css")]
        loaded = {next(filter(None, found)) for text in texts for found in LOADED.findall(text)}

        assert len(loaded) > 10
        assert [] == [each for each in loaded if re.match(r"(https?:)?//", each)]

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_describes_every_public_name(self, site: Path, language: str) -> None:
        """Each name that a public module exports has a place on a page."""
        from tools.site.api import MODULES

        inventory = (site / language / "objects.inv").read_bytes().split(b"\n", 4)[4]
        described = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
        exported = {f"{name}.{each}" for name in MODULES for each in importlib.import_module(name).__all__}
        there = {each for each in exported if f"synapse.{each.rpartition('.')[2]}" not in described}

        assert set() == {f"synapse.{each}" for each in synapse.__all__} - described
        assert set() == there - described

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_every_page_leads_to_the_other_language(self, site: Path, language: str) -> None:
        """The link to the same page in the other language leads to one that is there."""
        pages = [each for each in (site / language).rglob("*.html") if each.name != "search.html"]
        links = {
            each: re.search(r'class="language"><a href="([^"]+)', each.read_text("utf-8")) for each in pages
        }

        assert [] == [
            each for each, link in links.items() if not link or not (each.parent / link[1]).is_file()
        ]


@pytest.mark.full
class TestLooks:
    def test_texts_are_readable(self, looks: Any) -> None:
        """Every text stands out from its ground as WCAG AA asks, in light and in dark."""
        assert len(looks) > 150
        assert {} == {page: each["faint"] for page, each in looks.items() if each["faint"]}

    def test_no_page_is_wider_than_its_window(self, looks: Any) -> None:
        """Neither on a desk nor on a telephone: what is wide scrolls by itself."""
        assert {} == {page: each["overflow"] for page, each in looks.items() if any(each["overflow"])}

    def test_pictures_of_it_are_small(self) -> None:
        """Three pages in both languages, light and dark, of at most 60 kB each."""
        sizes = [each.stat().st_size for each in (ROOT / "docs" / "pictures").glob("site-*.webp")]

        assert (12, True) == (len(sizes), max(sizes) <= 60_000)


@pytest.mark.full
class TestSearch:
    @pytest.mark.parametrize(
        ("language", "word", "page"),
        [(language, word, page) for language, words in WORDS.items() for word, page in words.items()],
    )
    def test_finds(self, seen: Any, language: str, word: str, page: str) -> None:
        """A page that has the word is among those that are found."""
        assert f"{page}.html" in seen["found"][language][word]

    def test_works_from_files(self, seen: Any) -> None:
        """Nothing but files is read, and no script fails."""
        assert (["file"], []) == (seen["fetched"], seen["said"])


@pytest.mark.full
class TestFaults:
    @staticmethod
    def built(folder: Path, text: str) -> str:
        """Build a site of one page, and give what Sphinx complains of."""
        from tools.site.__main__ import sphinx

        (folder / "pages").mkdir()
        (folder / "pages" / "index.md").write_text(PAGE.format(text=text), encoding="utf-8")
        process = sphinx("en", folder / "pages", folder / "site", folder / "trees")
        told = process.communicate()[1].decode()
        assert bool(told) == bool(process.returncode), told
        return told

    def test_what_leads_somewhere_builds(self, tmp_path: Path) -> None:
        """A page whose links, anchors and names are there builds without a word."""
        assert "" == self.built(
            tmp_path, "[a](index.md#some-heading) [b](#some-heading) `synapse.connect()` `synapse.Box`"
        )

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("[a](gone.md)", "gone.md"),
            ("[a](index.md#gone)", "local id not found in doc 'index': 'gone'"),
            ("[a](#gone)", "target not found: 'gone'"),
            ("`synapse.Bxo`", "the package has no synapse.Bxo"),
            ("`synapse.Task.objcts.filter()`", "the package has no synapse.Task.objcts"),
            ("{py:func}`synapse.conect`", "synapse.conect"),
        ],
    )
    def test_what_leads_nowhere_fails_the_build(self, tmp_path: Path, text: str, complaint: str) -> None:
        """A broken link, anchor or name of the API is an error that names it."""
        assert complaint in self.built(tmp_path, text)
