"""Open a page in Chromium, in light and in dark, and write down what it looks like; run with playwright's Python."""

from __future__ import annotations

import json
import sys

from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

MEASURE = """() => {
  const box = (each) => { const {x, y, width, height} = each.getBoundingClientRect(); return {x, y, width, height} }
  const words = [...document.querySelectorAll("ul.legend li")].map((item) => {
    const range = document.createRange()
    range.selectNode(item.childNodes[1])
    return {text: item.innerText, ...box(range)}
  })
  const colours = [...document.querySelectorAll("h4, th, td, li, p, code, pre, .pill")]
    .map((each) => getComputedStyle(each).color)
  return {svg: box(document.querySelector("svg.picture")), words, colours: [...new Set(colours)]}
}"""


def looked(browser: Browser, page_file: Path, scheme: str) -> dict[str, object]:
    """Open the page, and note what it fetched, said and measures."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 900})
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url[:200]))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(page_file.as_uri())
    page.screenshot(path=page_file.with_suffix(f".{scheme}.png"))
    return {"fetched": fetched, "said": said, **page.evaluate(MEASURE)}


def main(chromium: str, page_file: str) -> None:
    """Look at it both ways."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = {scheme: looked(browser, Path(page_file), scheme) for scheme in ("light", "dark")}
        browser.close()
    print(json.dumps(found))


main(*sys.argv[1:])
