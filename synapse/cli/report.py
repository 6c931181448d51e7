"""The page that the demo leaves: how many pictures have which label, and a contact sheet with what was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from synapse.interop.notebook.markup import page, table, text, title
from synapse.showing import View

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body>
"""


def write_report(path: Path, *, name: str, labels: Iterable[str], sheet: View) -> None:
    """Write the page, which holds its pictures and fetches nothing."""
    counts = Counter(labels)
    rows = [
        [text(label), f"{count:,}"] for label, count in [*sorted(counts.items()), ("all", counts.total())]
    ]
    parts = [page(title(name), table(("label", "pictures"), rows)), sheet.html]
    html = f"{_HEAD.format(title=text(name))}{'<hr>'.join(parts)}\n</body></html>\n"
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"the report can't be written to {path}: {error.strerror}") from error
