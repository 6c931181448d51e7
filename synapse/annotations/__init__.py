"""Annotations as values: what was drawn and said, how DM schemas v1 and v2 write it, and what is checked."""

from __future__ import annotations

from synapse.annotations.bounds import Outside
from synapse.annotations.checks import Medium, check, kind_of
from synapse.annotations.document import Annotations
from synapse.annotations.labels import (
    Answer,
    Label,
    OtherAnnotation,
    Prompt,
    Relation,
    Section,
    Span,
    TimeRange,
)
from synapse.annotations.schema import LabelClass, Tool, classes_of, tools_of
from synapse.annotations.shapes import Box, Cuboid, Mask, Point, PointCloudMask, Polygon, Polyline
from synapse.annotations.values import Annotation

__all__ = [
    "Annotation",
    "Annotations",
    "Answer",
    "Box",
    "Cuboid",
    "Label",
    "LabelClass",
    "Mask",
    "Medium",
    "OtherAnnotation",
    "Outside",
    "Point",
    "PointCloudMask",
    "Polygon",
    "Polyline",
    "Prompt",
    "Relation",
    "Section",
    "Span",
    "TimeRange",
    "Tool",
    "check",
    "classes_of",
    "kind_of",
    "tools_of",
]
