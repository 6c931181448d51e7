"""Pictures with labels: the digits that scikit-learn ships, or those in the user's folder."""

from __future__ import annotations

import hashlib
import importlib.util
import uuid

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import click

from synapse.annotations import Annotation, Box, Label

SUFFIXES: Final = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
UNLABELED: Final = "unlabeled"
NEEDED: Final = {"sklearn": "scikit-learn", "PIL": "Pillow"}
KOREAN: Final = ("영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구")
ENLARGED: Final = 8
WHITE: Final = 255
INKED: Final = 16
SHOWN: Final = 10


@attrs.frozen
class Picture:
    """A picture file, its name below the folder it came from, what it shows, and the MD5 of its bytes."""

    path: Path
    name: str
    annotation: Annotation
    md5: str

    @property
    def label(self) -> str:
        """What it shows, as text."""
        return str(self.annotation.class_name)


@attrs.frozen
class Input:
    """The pictures to work on, and what to call them; `copies` are files that repeat another's bytes."""

    title: str
    pictures: list[Picture]
    copies: int = 0

    def __str__(self) -> str:
        counts = Counter(picture.label for picture in self.pictures).most_common()
        shown = ", ".join(f"{label}: {count:,}" for label, count in sorted(counts[:SHOWN]))
        more = f", and {len(counts) - SHOWN:,} labels more" if len(counts) > SHOWN else ""
        copies = f"; copies of others left out: {self.copies:,}" if self.copies else ""
        return f"{self.title} ({shown}{more}{copies})"

    @property
    def configuration(self) -> dict[str, Any]:
        """What a project of them is set up with: the tools and classes that occur."""
        tools: dict[str, set[str]] = {}
        for picture in self.pictures:
            tools.setdefault(picture.annotation.tool, set()).add(picture.label)
        return {
            "schema_type": "dm_schema",
            "classification": {tool: _tool(sorted(labels)) for tool, labels in tools.items()},
        }

    @classmethod
    def of(cls, title: str, found: Iterable[Picture], *, limit: int | None) -> Input:
        """Keep the first picture of the same bytes: a collection holds each content once."""
        kept: dict[str, Picture] = {}
        copies = 0
        for picture in found:
            if limit is not None and len(kept) == limit:
                break
            copies += picture.md5 in kept
            kept.setdefault(picture.md5, picture)
        return cls(title, list(kept.values()), copies)


def _tool(labels: list[str]) -> dict[str, Any]:
    classes = [
        {"id": str(uuid.uuid4()), "code": label, "name": label, "customFields": {}, "attributes": []}
        for label in labels
    ]
    return {"id": str(uuid.uuid4()), "representativeCodes": [], "classification_schema": classes}


def read_folder(folder: Path, *, limit: int | None) -> Input:
    """Find the pictures below a folder; each is labelled with the name of the folder that it lies in."""
    found = Input.of(folder.resolve().name, _found(folder), limit=limit)
    if not found.pictures:
        raise click.UsageError(f"--images: there is no picture ({', '.join(sorted(SUFFIXES))}) in {folder}")
    return found


def write_digits(folder: Path, *, limit: int | None) -> Input:
    """Write scikit-learn's 1,797 scanned digits as PNG files, eight times as large as they were scanned."""
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(
            f'the digits need {" and ".join(missing)}: pip install "synapse-orm[demo]", '
            "or take pictures of your own with --images DIR"
        )
    return Input.of("Handwritten digits · 손글씨 숫자", _digits(folder), limit=limit)


def _found(folder: Path) -> Iterator[Picture]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            label = inside.parent.name or UNLABELED
            yield Picture(path, inside.as_posix(), Label(label), _md5(path))


def _digits(folder: Path) -> Iterator[Picture]:
    from PIL import Image
    from sklearn.datasets import load_digits

    scans: Any = load_digits()
    for number, (scan, digit) in enumerate(zip(scans.images, scans.target.tolist(), strict=True)):
        path = folder / f"{number:04}.png"
        image = Image.fromarray((scan * WHITE / INKED).astype("uint8"))
        side = ENLARGED * image.width
        image.resize((side, side), Image.Resampling.NEAREST).save(path)
        yield Picture(path, path.name, _box(digit, scan), _md5(path))


def _box(digit: int, scan: Any) -> Box:
    """Draw a box around what is not black, in pixels of the enlarged picture."""
    rows, columns = (scan.any(axis=axis).nonzero()[0] for axis in (1, 0))
    return Box(
        str(digit),
        x=ENLARGED * columns[0],
        y=ENLARGED * rows[0],
        width=ENLARGED * (columns[-1] - columns[0] + 1),
        height=ENLARGED * (rows[-1] - rows[0] + 1),
        attributes={"읽기": KOREAN[digit]},
    )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
