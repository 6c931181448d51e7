"""The bases of managers by which type checkers and editors know the lookups, orders and fields of each entity.

What they know is in `typed.pyi` beside this file, which `make typed` writes from the declarations. At run time
`TaskQueries` is the class that it is based on there.
"""

from __future__ import annotations

from typing import Any, Final

from synapse.entities.exporting import AnnotatedManager
from synapse.entities.files import FilesManager
from synapse.orm import Manager

_BASES: Final[dict[str, type[Manager[Any]]]] = {
    **dict.fromkeys(("Task", "GroundTruth", "GroundTruthEvent"), AnnotatedManager),
    **dict.fromkeys(
        ("Assignment", "AsyncJob", "DataFile", "DataUnit", "JobLog", "Model", "PluginRelease"), FilesManager
    ),
}


def __getattr__(name: str) -> type[Manager[Any]]:
    if not name.endswith("Queries"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _BASES.get(name.removesuffix("Queries"), Manager)
