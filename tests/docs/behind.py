"""List the Korean pages whose English page has changed since: `python -m tests.docs.behind`.

With `--code`, blocks of code are taken over from the English pages first; the text is left to those who write Korean.
"""

from __future__ import annotations

import hashlib
import re
import sys

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOREAN = ROOT / "docs" / "ko"
FENCE = re.compile(r"^```\w[^\n]*\n.*?^```$", re.DOTALL | re.MULTILINE)
ORIGIN = re.compile(r"\A# .+\n<!-- of: (docs/[\w./-]+\.md) ([0-9a-f]{40}) -->\n")


def origin(page: Path) -> tuple[str, str]:
    """Read which English page a Korean one translates, and the blob of the version that it was made from."""
    found = ORIGIN.match(page.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page}: below the title goes <!-- of: docs/{page.name} BLOB -->")
    return found[1], found[2]


def blob(path: Path) -> str:
    """Compute the name that git gives to the content of a file."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def translations() -> list[Path]:
    """List the Korean pages, each of which translates an English one."""
    return sorted(KOREAN.rglob("*.md"))


def behind() -> list[Path]:
    """List the Korean pages that were made from another version than the present one."""
    return [page for page in translations() if blob(ROOT / origin(page)[0]) != origin(page)[1]]


def take_code(page: Path) -> None:
    """Replace the blocks of code of a Korean page by those of its English page, where it has as many."""
    text = page.read_text(encoding="utf-8")
    blocks = FENCE.findall((ROOT / origin(page)[0]).read_text(encoding="utf-8"))
    if len(blocks) == len(FENCE.findall(text)):
        page.write_text(FENCE.sub(lambda _: blocks.pop(0), text), encoding="utf-8")


if __name__ == "__main__":
    if "--code" in sys.argv:
        for each in translations():
            take_code(each)
    for each in behind():
        path, made_from = origin(each)
        print(f"{each.relative_to(ROOT)}: git diff {made_from[:12]} HEAD:{path}")
