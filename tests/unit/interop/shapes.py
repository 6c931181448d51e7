"""Random annotations that lie in a picture, and COCO documents of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hypothesis import strategies as st

from synapse.annotations import Annotation, Box, Mask, Polygon
from synapse.interop.formats.coco import Categories, Written

WIDTH: Final = 64
HEIGHT: Final = 48
CLASSES: Final = ("stop", "yield sign", "차 & <b>")
NAMES: Final = st.sampled_from(CLASSES)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Draw a box of whole pixels."""
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    width, height = draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y))
    return Box(draw(NAMES), x=x, y=y, width=width, height=height)


PLACES: Final = st.tuples(st.integers(0, WIDTH), st.integers(0, HEIGHT))
POLYGONS: Final = st.builds(
    lambda name, points: Polygon(name, points=points),
    NAMES,
    st.lists(PLACES, min_size=3, max_size=6, unique=True),
)


@st.composite
def masks(draw: st.DrawFn, *, width: int = 9, height: int = 7) -> Mask:
    """Draw a mask of a small picture."""
    pixels = draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height).filter(any))
    rows = [pixels[start : start + width] for start in range(0, width * height, width)]
    return Mask.from_rows(draw(NAMES), rows)


def near(first: Annotation, second: Annotation, *, by: float = 0.01) -> bool:
    """Tell whether two annotations are of one class, and their numbers not further apart."""

    def numbers(value: Any) -> list[float]:
        if isinstance(value, Box):
            return [value.x, value.y, value.width, value.height, value.rotation or 0]
        return [number for point in value.points for number in point]

    pairs = zip(numbers(first), numbers(second), strict=True)
    same = (type(first), first.class_name) == (type(second), second.class_name)
    return same and all(abs(one - other) <= by for one, other in pairs)


def document_of(written: Iterable[Written], categories: Categories) -> dict[str, Any]:
    """Put pictures together to a whole COCO document."""
    pictures = list(written)
    return {
        "images": [each.image for each in pictures],
        "annotations": [item for each in pictures for item in each.annotations],
        "categories": categories.to_json(),
    }
