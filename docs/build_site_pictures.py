"""Draw `docs/pictures/`: three pages that `make docs` built, in both languages, light and dark, as Chromium shows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from pathlib import Path
from typing import Final

from PIL import Image
from PIL.Image import Dither, Quantize

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.interop.own_env import ensure_browser  # noqa: E402 - it lies in the project

SHOWN: Final = [
    f"{language}/{page}.html"
    for language in ("en", "ko")
    for page in ("index", "annotations", "cookbook/boxes")
]


def main() -> None:
    """Photograph the pages, and write them small."""
    python, chromium = ensure_browser()
    script, site = ROOT / "tests" / "docs" / "look_at_site.py", ROOT / "site"
    with tempfile.TemporaryDirectory() as folder:
        names = json.dumps(SHOWN)
        command = [str(python), str(script), chromium, str(site), folder, names, names]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for shot in Path(folder).glob("*.png"):
            target = ROOT / "docs" / "pictures" / f"site-{shot.stem}.webp"
            with Image.open(shot) as picture:
                picture.convert("RGB").quantize(48, Quantize.MAXCOVERAGE, dither=Dither.NONE).convert(
                    "RGB"
                ).save(target, lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main()
