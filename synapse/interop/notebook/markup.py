"""HTML that is safe to show: everything escaped, one style sheet, and no script."""

from __future__ import annotations

import enum
import html

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from synapse.downloads import RemoteFile
from synapse.errors import hidden
from synapse.interop.notebook.workers import NotShownError, Workers
from synapse.masking import HIDDEN, Secret, mask_body
from synapse.session.interrupts import is_from_signal
from synapse.showing import brief, printable

S = TypeVar("S")

LONGEST_CELL: Final = 160
_LONGEST_JSON: Final = 80
_ITEMS: Final = 6
_DEPTH: Final = 3
NONE: Final = '<span class="none">–</span>'
# Colours of the page around it, so that it is readable in light and dark notebooks alike; lines are half transparent.
STYLE: Final = """<style>
.synapse-view{font:13px/1.45 system-ui,"Noto Sans","Noto Sans CJK KR","NanumGothic",sans-serif;color:inherit;
overflow-x:auto}
.synapse-view h4{margin:.2em 0 .5em;font-size:1.05em}
.synapse-view table{border-collapse:collapse;margin:0;color:inherit}
.synapse-view th,.synapse-view td{padding:.25em .7em;text-align:left;vertical-align:top;color:inherit;
background:transparent;border-bottom:1px solid rgba(128,128,128,.35);max-width:28em;overflow-wrap:break-word}
.synapse-view td code{display:block;min-width:12em}
.synapse-view .whole{white-space:nowrap}
.synapse-view th{font-weight:600;white-space:nowrap}
.synapse-view td,.synapse-view li,.synapse-view h4,.synapse-view figcaption{unicode-bidi:isolate}
.synapse-view code,.synapse-view pre{font:12px/1.4 ui-monospace,monospace;background:transparent;color:inherit}
.synapse-view .pill{border:1px solid currentColor;border-radius:1em;padding:0 .6em;white-space:nowrap}
.synapse-view .none,.synapse-view .more{opacity:.75}
.synapse-view .bad{border-left:3px solid #d9534f;padding-left:.6em}
.synapse-view .beside{display:flex;flex-wrap:wrap;gap:1.2em;align-items:flex-start}
.synapse-view .sheet{display:grid;gap:.8em;justify-content:start}
.synapse-view figure{margin:0;max-width:20em}
.synapse-view figcaption{max-width:16em;overflow-wrap:anywhere}
.synapse-view svg.picture{display:block;max-width:100%;height:auto;overflow:hidden}
.synapse-view ul.legend{list-style:none;margin:.4em 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.2em 1em}
.synapse-view .colour{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
.synapse-view progress{width:16em}
</style>"""


def text(value: object) -> str:
    """Escape text, and show control characters as what they are."""
    return html.escape(printable(str(value)), quote=True)


def cut(value: str, *, most: int = LONGEST_CELL) -> str:
    """Give the beginning of a long text."""
    return value if len(value) <= most else f"{value[:most]}…"


def cell(value: Any) -> str:
    """Show one value: enums as pills, files by their name, JSON cut short and without secrets."""
    if value is None:
        return NONE
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, enum.Enum):
        return f'<span class="pill">{text(value.value)}</span>'
    if isinstance(value, datetime):
        return f'<span class="whole">{text(value.isoformat(sep=" ", timespec="seconds"))}</span>'
    if isinstance(value, RemoteFile):
        return text(cut(value.name))
    if isinstance(value, str | int | float):
        return text(cut(hidden(str(value))))
    if _is_files(value):
        return "<br>".join(f"{text(name)}: {cell(file)}" for name, file in value.items())
    return f"<code>{text(cut(hidden(brief(mask_body(pruned(value)))), most=_LONGEST_JSON))}</code>"


def _is_files(value: Any) -> bool:
    named = isinstance(value, Mapping) and bool(value)
    return named and all(isinstance(each, RemoteFile | None) for each in value.values())


def pruned(value: Any, *, depth: int = _DEPTH) -> Any:
    """Keep the beginning of a JSON value, so that a long one costs no more than what is shown."""
    if isinstance(value, str):
        return cut(value)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not depth:
        return "…"
    if isinstance(value, Mapping):
        kept = list(value.items())[:_ITEMS]
        return {str(name): pruned(each, depth=depth - 1) for name, each in kept}
    return [pruned(each, depth=depth - 1) for each in value[:_ITEMS]] + ["…"] * (len(value) > _ITEMS)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Make a table of cells that are HTML already, under names that are not."""
    lines = ["<tr>", *(f"<th>{text(name)}</th>" for name in head), "</tr>"]
    for row in rows:
        lines += ["<tr>", *(f"<td>{each}</td>" for each in row), "</tr>"]
    return f"<table>{''.join(lines)}</table>"


def fields(named: Iterable[tuple[str, str]]) -> str:
    """Make a table of names and values that are HTML already."""
    rows = "".join(f"<tr><th>{text(name)}</th><td>{value}</td></tr>" for name, value in named)
    return f"<table>{rows}</table>"


def title(words: object) -> str:
    """Make a heading."""
    return f"<h4>{text(words)}</h4>"


def more(words: str) -> str:
    """Say what is not shown."""
    return f'<p class="more">{text(words)}</p>'


def page(*parts: str) -> str:
    """Join parts to what a notebook shows."""
    return f'{STYLE}<div class="synapse-view">{"".join(parts)}</div>'


def view(subject: S, make: Callable[[S, Workers], str], *, workers: int = 1) -> str:
    """Make the HTML of something within two seconds; whatever goes wrong becomes a text that says why."""
    try:
        with Workers(workers) as threads:
            return page(make(subject, threads))
    except Exception as error:
        if is_from_signal(error):
            raise
        return page(f"<pre>{text(subject_of(subject))}</pre>", reason(error))


def subject_of(subject: object) -> str:
    """Name what a view is of, by its `repr`."""
    return cut(repr(subject), most=1_000)


def reason(error: Exception) -> str:
    """Say why something is not shown."""
    said = str(error) if isinstance(error, NotShownError) else f"{type(error).__name__}: {error}"
    return f'<p class="bad">not shown: {text(cut(hidden(said), most=1_000))}</p>'
