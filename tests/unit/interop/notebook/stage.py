"""A task with a picture, as a backend gives it, and what to look for in HTML."""

from __future__ import annotations

import io

from html.parser import HTMLParser
from typing import Any, Final

from PIL import Image

from synapse.annotations import Annotation, Annotations
from synapse.testing import CannedSession, canned, page

URL: Final = "https://store.example/a.png?X-Amz-Signature=0123456789abcdef"


def png(width: int = 96, height: int = 64, *, mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    """Write a picture of one colour."""
    written = io.BytesIO()
    Image.new(mode, (width, height)).save(written, kind, **options)
    return written.getvalue()


def task_row(*annotations: Annotation, pk: int = 7, url: str = URL, **values: Any) -> dict[str, Any]:
    """Make the row of a task that has one picture."""
    file = {"specification": "image_1", "url": url, "file_name_original": "a.png", "file_type": "image"}
    data = Annotations(annotations).to_v1() if annotations else None
    return {"id": pk, "project": 1, "data_unit": pk, "meta": {}, "data": data, "files": [file], **values}


def backend(*rows: dict[str, Any], content: Any = None, **replies: Any) -> CannedSession:
    """Make a session that knows tasks and the picture that they share."""
    single = {f"GET tasks/{row['id']}/": row for row in rows}
    files = [{"id": row["id"], "files": row["files"]} for row in rows]
    lists = {"GET sdk/tasks/": page(*rows), "GET sdk/tasks/files/": page(*files)}
    return canned({**single, **lists, f"GET {URL}": png() if content is None else content, **replies})


class Seen(HTMLParser):
    """What a page has: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every element of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All texts, one after the other, the style sheet aside."""
        return " ".join(each for each in self.words if "synapse-view" not in each)

    @property
    def links(self) -> list[str]:
        """Every address that a browser would fetch."""
        names = ("src", "href", "xlink:href", "srcset", "action", "data")
        return [value for _, attributes in self.elements for name in names if (value := attributes.get(name))]
