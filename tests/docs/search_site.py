"""Type words into the search of the site in Chromium, and write down what it finds; run with playwright's Python."""

from __future__ import annotations

import json
import sys

from pathlib import Path

from playwright.sync_api import Page, sync_playwright


def search(page: Page, start: Path, word: str) -> list[str]:
    """Type a word into the search field of the start page, and list the pages that are found."""
    page.goto(start.as_uri())
    page.fill("input.sidebar-search", word)
    page.press("input.sidebar-search", "Enter")
    page.wait_for_selector("#search-results h2:text-matches('^(Search Results|검색 결과)$')")
    links = page.eval_on_selector_all(
        "#search-results li a", "all => all.map((each) => each.getAttribute('href'))"
    )
    return sorted({link.partition("?")[0].partition("#")[0] for link in links})


def main(chromium: str, site: str, words: str) -> None:
    """Search for all words of both languages, and note what the pages say and fetch."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        fetched: set[str] = set()
        said: list[str] = []
        page.on("request", lambda request: fetched.add(request.url.partition(":")[0]))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.set_default_timeout(20_000)
        found = {
            language: {word: search(page, Path(site) / language / "index.html", word) for word in each}
            for language, each in json.loads(words).items()
        }
        browser.close()
    print(json.dumps({"found": found, "fetched": sorted(fetched), "said": said}))


main(*sys.argv[1:])
