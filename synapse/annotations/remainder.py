"""What a document holds besides the annotations that were read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from synapse.annotations.values import Annotation, Json
from synapse.errors import MappingError, describe

Slotted = tuple[int, Any]


@attrs.frozen
class Remainder:
    """A document whose lists of annotations are emptied; `orphans` are v1's data of annotations that aren't there."""

    wire: str
    document: Json
    orphans: Mapping[str, list[Slotted]] = attrs.field(factory=dict)
    ids: frozenset[str] = frozenset()


def broken(path: str, wanted: str, *, given: object) -> MappingError:
    """Say where a document isn't in its form."""
    return MappingError(
        f"{path} of the annotations is no {wanted}: {describe(given)}; read the raw data instead"
    )


def by_media(values: tuple[Annotation, ...]) -> dict[str, list[Annotation]]:
    """Group annotations by the medium that they lie in."""
    grouped: dict[str, list[Annotation]] = {}
    for value in values:
        if value.media is None:
            raise MappingError(f"{value!r} lies in no medium; give it one, such as media='image_1'")
        grouped.setdefault(value.media, []).append(value)
    return grouped
