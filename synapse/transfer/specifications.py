"""Which file of a unit is which: by the collection's file specifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from synapse.errors import MappingError, did_you_mean
from synapse.transfer.source import PathLike


@attrs.frozen
class Spec:
    """What a collection asks of one of the files of its units."""

    name: str
    file_type: str = ""
    required: bool = False


def by_specification(files: Any, *, names: Sequence[str], required: Sequence[str]) -> dict[str, PathLike]:
    """Name each file by its specification; a bare path goes under the one that is asked for.

    Raises `MappingError` where a name is no specification, or a required one is missing.
    """
    if not isinstance(files, Mapping):
        wanted = required or names
        if len(wanted) != 1:
            raise MappingError(f"the collection takes {', '.join(names)}: give {{name: path}}, not one path")
        return {wanted[0]: files}
    for name in files:
        if name not in names:
            hint = did_you_mean(str(name), names)
            raise MappingError(f"there is no file specification {name!r}{hint}, only {', '.join(names)}")
    lacking = [name for name in required if name not in files]
    if lacking:
        raise MappingError(f"a unit needs {', '.join(lacking)} as well")
    if not files:
        raise MappingError("a unit needs files: {specification: path}")
    return dict(files)
