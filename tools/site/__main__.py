"""Build the site: `make docs`, or `python -m tools.site [FOLDER]`. Nothing is fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from pathlib import Path
from typing import Final

from tools.site.navigation import LANGUAGES
from tools.site.stage import ROOT, Pages

START: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>synapse-orm</title>
<p><a href="en/index.html">English</a> · <a href="ko/index.html" lang="ko">한국어</a></p>
<script>location.replace((navigator.language.startsWith("ko") ? "ko" : "en") + "/index.html")</script></html>
"""


def build(root: Path, site: Path) -> bool:
    """Build both languages side by side from the pages of a project, and tell whether that was without a fault."""
    begun, cache = time.monotonic(), root / ".cache" / "site"
    shutil.rmtree(site, ignore_errors=True)
    for language in LANGUAGES:
        Pages(language, root).write(cache / language / "pages")
    running = [
        sphinx(each, cache / each / "pages", site / each, cache / each / "trees") for each in LANGUAGES
    ]
    told = [process.communicate()[1].decode() for process in running]
    if any(process.returncode for process in running):
        print(*told, "the site was not built: see above", sep="", file=sys.stderr)
        return False
    for each in site.rglob("*.map"):
        each.unlink()  # how scripts and styles were made, for those who make them
    (site / "index.html").write_text(START, encoding="utf-8")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"{site}: {size / 1e6:.1f} MB in {time.monotonic() - begun:.1f} s; open {site / 'index.html'}")
    return True


def sphinx(language: str, pages: Path, site: Path, trees: Path) -> subprocess.Popen[bytes]:
    """Start Sphinx on a folder of pages: each warning is an error."""
    options = ["-q", "-E", "-n", "-W", "-b", "html", "-D", f"language={language}"]
    folders = ["-c", str(Path(__file__).parent), "-d", str(trees), str(pages), str(site)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sphinx", *options, *folders]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)


def main() -> int:
    """Build the site of this project, into `site/` unless told otherwise."""
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    return 0 if build(ROOT, site) else 1


if __name__ == "__main__":
    sys.exit(main())
