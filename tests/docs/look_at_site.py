"""Open pages of the site in Chromium, and write down what cannot be read; run with playwright's Python."""

from __future__ import annotations

import json
import sys

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1040, 390)
# Ratios as WCAG defines them, of each text to the ground that it stands on; large text may have less.
CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const linear = (part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  const bright = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  const over = ([r, g, b, a = 1], ground) => [r, g, b].map((part, at) => part * a + ground[at] * (1 - a))
  const ground = (each) => {
    if (!each) return [255, 255, 255]
    const own = numbers(getComputedStyle(each).backgroundColor)
    return own[3] === 0 ? ground(each.parentElement) : over(own, ground(each.parentElement))
  }
  const faint = {}
  for (const each of document.querySelectorAll(".page *, .sidebar-drawer *")) {
    const text = [...each.childNodes].filter((node) => node.nodeType === 3 && node.data.trim())
    const style = getComputedStyle(each)
    if (!text.length || !each.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue
    const behind = ground(each), front = over(numbers(style.color), behind)
    const [low, high] = [bright(front), bright(behind)].sort((one, two) => one - two)
    const ratio = (high + 0.05) / (low + 0.05)
    const large = parseFloat(style.fontSize) >= 24
    const name = `${each.tagName}.${each.className}`
    if (ratio < (large ? 3 : 4.5)) faint[name] = [ratio, text[0].data.trim().slice(0, 40)]
  }
  return faint
}"""
# What is wider than the window; what scrolls by itself, such as a table or a block of code, is not.
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def looked(page: Page, address: str, picture: Path | None) -> dict[str, Any]:
    """Open a page in both widths, and measure what is on it."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 640})
    page.goto(address)
    page.evaluate("document.fonts.ready")
    if picture:
        page.screenshot(path=picture)
    found: dict[str, Any] = {"faint": page.evaluate(CONTRAST), "overflow": []}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 760})
        found["overflow"].append(page.evaluate(OVERFLOW))
    return found


def both_schemes(browser: Browser, site: Path, names: list[str], folder: Path, shown: list[str]) -> Any:
    """Look at all pages in light, then in dark."""
    found: dict[str, Any] = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        for name in names:
            picture = folder / f"{name.replace('/', '-').removesuffix('.html')}-{scheme}.png"
            seen = looked(page, (site / name).as_uri(), picture if name in shown else None)
            found[f"{name} {scheme}"] = seen
        page.close()
    return found


def main(chromium: str, site: str, folder: str, names: str, shown: str) -> None:
    """Look at the pages, and keep pictures of some."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        seen = both_schemes(browser, Path(site), json.loads(names), Path(folder), json.loads(shown))
        browser.close()
    print(json.dumps(seen))


main(*sys.argv[1:])
