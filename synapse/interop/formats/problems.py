"""What a format can't hold, and what of a file can't be read."""

from __future__ import annotations

from typing import Literal

import attrs

from synapse.annotations import Annotation


@attrs.frozen
class Problem:
    """What became of an annotation that did not go as it is.

    `lossy`: it was written, but for what `reason` says; `skipped`: the format has no place for it; `failed`: what was
    read at `path` is no annotation.
    """

    outcome: Literal["lossy", "skipped", "failed"]
    reason: str
    annotation: Annotation | None = None
    path: str = ""


def lossy(annotation: Annotation, reason: str) -> Problem:
    """Say what of an annotation is lost."""
    return Problem("lossy", reason, annotation)


def skipped(annotation: Annotation, reason: str) -> Problem:
    """Say why an annotation is left out."""
    return Problem("skipped", reason, annotation)


def failed(path: str, reason: str) -> Problem:
    """Say what can't be read."""
    return Problem("failed", reason, path=path)
