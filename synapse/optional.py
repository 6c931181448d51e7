"""Methods whose code needs a heavy library: declared in the classes that have them, written in `synapse.interop`.

A class declares such a method with its signature and its docstring, so that type checkers and editors know it, and
`METHODS` names the function that is called with the same arguments. That is imported with the first call.
"""

from __future__ import annotations

import functools
import importlib

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar, cast

from synapse.errors import ConfigError

P = ParamSpec("P")
R = TypeVar("R")

_NOTEBOOK: Final = "synapse.interop.notebook"
_STORAGES: Final = "synapse.interop.storages.verbs"
_TABLES: Final = "synapse.interop.tables"
_REPL: Final = "synapse.interop.repl"

METHODS: Final[dict[str, str]] = {
    "AnnotatedManager.export": "synapse.interop.formats.export:export",
    "AnnotationReport._repr_html_": f"{_NOTEBOOK}.tables:annotation_report_html",
    "BulkResult._repr_html_": f"{_NOTEBOOK}.tables:bulk_result_html",
    "DataCollection._open_labels": "synapse.interop.formats.upload_labels:upload_labels",
    "Entity._repr_html_": f"{_NOTEBOOK}.rows:entity_html",
    "Entity.describe": f"{_REPL}.describe:describe",
    "EntityDoc._outline": f"{_REPL}.describe:outline",
    "EntitySignature._made": f"{_REPL}.signatures:signature_of_entity",
    "Explanation._repr_html_": f"{_NOTEBOOK}.tables:explanation_html",
    "ManagedBy._sign": f"{_REPL}.signatures:sign",
    "QuerySet._repr_html_": f"{_NOTEBOOK}.tables:queryset_html",
    "QuerySet._objects_from": f"{_TABLES}.writes:objects_of",
    "QuerySet.show": f"{_NOTEBOOK}.rows:queryset_show",
    "QuerySet.update_from": f"{_TABLES}.writes:update_from",
    "RemoteFile._repr_html_": f"{_NOTEBOOK}.rows:file_html",
    "Report._repr_html_": f"{_NOTEBOOK}.tables:report_html",
    "Storage.check": f"{_STORAGES}:check",
    "Storage.filesystem": f"{_STORAGES}:filesystem",
    "Storage.path": f"{_STORAGES}:path",
    "Tabular.__arrow_c_schema__": f"{_TABLES}.out:arrow_schema",
    "Tabular.__arrow_c_stream__": f"{_TABLES}.out:arrow_stream",
    "Tabular.batches": f"{_TABLES}.out:batches",
    "Tabular.to_arrow": f"{_TABLES}.out:to_arrow",
    "Tabular.to_csv": f"{_TABLES}.files:to_csv",
    "Tabular.to_duckdb": f"{_TABLES}.out:to_duckdb",
    "Tabular.to_pandas": f"{_TABLES}.out:to_pandas",
    "Tabular.to_huggingface": "synapse.interop.training:to_huggingface",
    "Tabular.to_parquet": f"{_TABLES}.files:to_parquet",
    "Tabular.to_polars": f"{_TABLES}.out:to_polars",
    "Tabular.to_ray": "synapse.interop.ray:to_ray",
    "Tabular.to_torch": "synapse.interop.training:to_torch",
    "Task.picture": f"{_NOTEBOOK}.rows:task_picture",
    "Task.show": f"{_NOTEBOOK}.rows:task_show",
    "TaskManager._annotation_pairs": f"{_TABLES}.writes:annotation_pairs",
    "TaskManager.annotate_from": "synapse.interop.formats.annotate_from:annotate_from",
    "Trace._repr_html_": f"{_NOTEBOOK}.tables:trace_html",
    "Values._repr_html_": f"{_NOTEBOOK}.tables:values_html",
}
"""Each method with its function, such as `"Tabular.to_arrow": "synapse.interop.tables.out:to_arrow"`."""


def optional(declared: Callable[P, R]) -> Callable[P, R]:
    """Declare a method whose code `METHODS` names; its own body is never run."""

    @functools.wraps(declared)
    def method(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", function_of(declared.__qualname__)(*args, **kwargs))

    return method


def function_of(method: str) -> Callable[..., Any]:
    """Import the function of a method; where its library is not installed, that is a `ConfigError`."""
    module, _, name = METHODS[method].partition(":")
    try:
        return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == __name__.partition(".")[0]:
            raise
        raise ConfigError(
            f"{method}() needs {error.name}, which is not installed: pip install {error.name}",
            code="missing-library",
        ) from None


@contextmanager
def needing(extra: str = "", *, what: str) -> Iterator[None]:
    """Say how to install a library that is not there, most by an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        install = f'"synapse-orm[{extra}]"' if extra else error.name
        raise ConfigError(
            f"{what} needs {error.name}, which is not installed: pip install {install}. Nothing was sent",
            code="missing-library",
        ) from None
