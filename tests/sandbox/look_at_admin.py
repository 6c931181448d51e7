"""Open admin pages in Chromium, and write down what is seen of their pictures; run with playwright's Python."""

from __future__ import annotations

import json
import sys

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

MEASURE = """() => {
  const box = (each) => { const {x, y, width, height} = each.getBoundingClientRect(); return {x, y, width, height} }
  const seen = (picture) => {
    const image = picture.querySelector("img")
    const shapes = [...picture.querySelectorAll("svg > *")].map((each) => ({kind: each.tagName, ...box(each)}))
    return {width: image.naturalWidth, height: image.naturalHeight, image: box(image), shapes}
  }
  return [...document.querySelectorAll(".picture")].map(seen)
}"""
# Those below the fold load when they are scrolled to.
LOAD = """async () => {
  const all = [...document.querySelectorAll("img")]
  all.forEach((each) => { each.loading = "eager" })
  await Promise.allSettled(all.map((each) => each.decode()))
}"""


def logged_in(browser: Browser, site: dict[str, str], language: str, said: list[str]) -> Page:
    """Log in with a browser of a language; note what fails to load, and which script fails."""
    page = browser.new_page(locale=language, viewport={"width": 1400, "height": 900})
    page.on("response", lambda answer: said.append(answer.url) if answer.status >= 400 else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{site['url']}login/")
    page.fill("[name=username]", site["user"])
    page.fill("[name=password]", site["password"])
    page.click("[type=submit]:not([name=language])")
    page.wait_for_selector("#content-main")
    return page


def looked(page: Page, address: str, picture: Path) -> dict[str, Any]:
    """Open a page, wait for its pictures, and measure them."""
    page.goto(address)
    page.evaluate(LOAD)
    page.screenshot(path=picture, full_page=True)
    return {
        "pictures": page.evaluate(MEASURE),
        "title": page.inner_text("h1"),
        "text": page.inner_text("body"),
    }


def switched(page: Page) -> list[str]:
    """Choose the other language on the page that is open, and give the words above it before and after."""
    before = page.inner_text("#content h1")
    address = page.url
    page.click("form.languages button")
    page.wait_for_load_state()
    assert page.url == address
    return [before, page.inner_text("#content h1")]


def main(chromium: str, folder: str, site_text: str) -> None:
    """Look at every page in both languages."""
    site, said = json.loads(site_text), list[str]()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found: dict[str, Any] = {}
        for language in ("en", "ko"):
            page = logged_in(browser, site, language, said)
            found[language] = {
                path: looked(
                    page, site["url"] + path, Path(folder) / f"{language}-{path.replace('/', '-')}.png"
                )
                for path in site["pages"]
            }
            found[language]["switched"] = switched(page)
        browser.close()
    print(json.dumps({**found, "said": said}))


main(*sys.argv[1:])
