"""A lazy, reusable selection of objects, with Django's meanings."""

from __future__ import annotations

import sys

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import Any, Final, Generic, Literal, Never, TypeVar, cast, overload

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import QuerySetTwins
from synapse.errors import (
    ArgumentTypeError,
    ConflictError,
    FieldError,
    QueryError,
    ValidationError,
    describe,
)
from synapse.optional import optional
from synapse.orm import arguments, binding, bulk, finding
from synapse.orm.bulk import BulkResult
from synapse.orm.changes import accepted, linked
from synapse.orm.record import Record
from synapse.orm.selection import Selection, adopt, know_made, link_of, restored, writing_to
from synapse.orm.values import Tabular, Values, shape_of
from synapse.query import FetchMode
from synapse.reading.rows import OnBadRow
from synapse.showing import View
from synapse.transfer import ProgressLike
from synapse.values import Table

E = TypeVar("E", bound="Record")
M = TypeVar("M", bound="Manager[Any]")
_SIGNED: Final[set[type[Any]]] = set()


class QuerySet(QuerySetTwins[E], Tabular, Selection[E]):
    """A lazy, reusable selection of objects of one entity.

    Building one sends nothing; iterating, `len`, `in`, `bool`, indexing and the methods that return objects or numbers
    send requests. After the first iteration, the rows are cached.
    """

    @overload
    def values_list(self, field: str, /, *, flat: Literal[True], json: bool = ...) -> Values[Any]: ...
    @overload
    def values_list(self, *fields: str, named: bool = ..., json: bool = ...) -> Values[tuple[Any, ...]]: ...
    def values_list(
        self, *fields: str, flat: bool = False, named: bool = False, json: bool = False
    ) -> Values[Any]:
        """Return a tuple of these fields for each row: named tuples if `named=True`, single values if `flat=True`."""
        return Values.of(self, fields, shape=shape_of(flat=flat, named=named), json=json)

    def values(self, *fields: str, json: bool = False) -> Values[dict[str, Any]]:
        """Return a dict of these fields, or of all, for each row; with `json=True`, of values that JSON can hold."""
        return Values.of(self, fields, shape="dict", json=json)

    @sends
    @optional
    def show(self, *, columns: int = 4) -> View:
        """Show the pictures of the first 20 rows in a notebook, with the shapes that lie on them.

        The pictures are fetched in parallel; one that takes longer than two seconds is shown by its name only.
        """
        raise NotImplementedError

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    # --- writing ------------------------------------------------------------
    @sends
    def create(self, *, dry_run: bool = False, **values: Any) -> E:
        """Create one object and return it saved; with `dry_run=True` it is only checked, as by `save(dry_run=True)`."""
        arguments.flag("create(dry_run=...)", dry_run)
        binding.check_host(self.session, values.values(), what="create()")
        # A subclass may have an `__init__()` and a `save()` of its own.
        made: Any = self.entity(**linked(self.entity, values, link=link_of(self)))
        adopt(self, [made])
        with writing_to(self):
            made.save(**({"dry_run": True} if dry_run else {}))
        if not dry_run:
            know_made(self, [made])
        return cast("E", made)

    @sends
    def bulk_create(
        self,
        objects: Iterable[E] | Iterable[Mapping[str, Any]] | Table,
        *,
        columns: Mapping[str, str] | None = None,
        nulls: Literal["omit", "clear"] = "omit",
        batch_size: int = 200,
        journal: str | PathLike[str] | None = None,
        dry_run: bool = False,
        progress: ProgressLike = None,
    ) -> list[E]:
        """Create many objects, in batches if the backend takes lists; a `BulkError` says which were created.

        Returns the given objects, each with its key. If the backend takes no lists (tags, projects), they are created
        in parallel, and the keys are in no order. *journal* is the path of a file that records which rows were sent and
        done: a run that ended early, even killed, continues when it is started again with the same values, and creates
        each row once. The file identifies rows by hashes of their values, and does not contain the values.

        Takes tables as well: anything with an Arrow stream, a pandas frame, or rows of dicts, whose columns are fields;
        `columns={"unit": "data_unit"}` says which field one of another name is for. A missing value leaves the default
        of the backend; with `nulls="clear"` it is None. A bad cell is a `MappingError` that names row and column. Arrow
        needs the extra `arrow`.

        With `dry_run=True` the backend checks each row by itself and stores nothing, and the objects stay unsaved.
        """
        arguments.flag("bulk_create(dry_run=...)", dry_run)
        arguments.check_size("batch_size", batch_size)
        if dry_run and journal is not None:
            raise QueryError(
                "bulk_create(dry_run=True) creates nothing, so it takes no journal. Nothing was sent"
            )
        given: Any = list(objects) if isinstance(objects, Iterator) else objects
        if columns is not None or nulls != "omit" or arguments.is_table(given):
            given = self._objects_from(given, columns=columns, nulls=nulls)
        if dry_run:
            return bulk.try_creating(self, given, progress=progress)
        return bulk.create(self, given, batch_size=batch_size, journal=journal, progress=progress)

    @optional
    def _objects_from(
        self, table: object, *, columns: Mapping[str, str] | None, nulls: Literal["omit", "clear"]
    ) -> list[E]:
        raise NotImplementedError

    @sends
    @optional
    def update_from(
        self,
        table: Table | Iterable[Mapping[str, Any]],
        *,
        on: str = "id",
        fields: Iterable[str] | None = None,
        columns: Mapping[str, str] | None = None,
        nulls: Literal["omit", "clear"] = "omit",
        dry_run: bool = False,
        journal: str | PathLike[str] | None = None,
        progress: ProgressLike = None,
        on_bad_row: OnBadRow = "raise",
    ) -> BulkResult:
        """Change rows of the query to what a table says: they are read, compared, and those that differ are written.

        *on* is the field that finds them, which every row of the table has, each value once. Of the other columns those
        for *fields* are written, or all; of an Arrow table that a query made, those that can be. What is a table, and
        `columns` and `nulls`, are as in `bulk_create()`. Rows that the query has not are a `QueryError`, and
        nothing is written.

        With a *journal* a run that ended early, even killed, leaves alone the rows that it had written when it is
        started again, whatever others have made of them since. `on_bad_row="skip"` leaves alone rows of the backend
        that do not fit, and logs a warning; a bad cell of the table is always an error.
        """
        raise NotImplementedError

    @sends
    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Return the one match, or create it from the lookups and *defaults*; the flag says whether it was created.

        A natural name may be among the lookups, as for `get()`: `Project.objects.get_or_create(title="Street signs")`.

        Finding and creating are two requests: two concurrent callers may both create a row without noticing, unless the
        backend refuses the second (a task of the same unit). Let only one process create, or use a lock of your own.
        """

        def find() -> E | None:
            try:
                return self.get(**lookups)
            except self.entity.DoesNotExist:
                return None

        return get_or_create(self, lookups, defaults=defaults, find=find)

    @sends
    def update_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Change the one match to *defaults*, or create it; the flag says whether it was created.

        Two concurrent callers may both create a row, as with `get_or_create()`.
        """
        found, made = self.get_or_create(defaults, **lookups)
        if not made:
            for name, value in (defaults or {}).items():
                setattr(found, name, value)
            with writing_to(self):
                cast("Any", found).save()
        return found, made

    @sends
    def update(self, *, everything: bool = False, dry_run: bool = False, **fields: Any) -> BulkResult:
        """Set fields on every row, one request a row; a query without filters needs `everything=True`.

        With `dry_run=True` nothing is written; the result says what would change. Rows are read first, then written by
        key, even if they no longer match the filter by then; `save(check=True)` on each row checks for changes before
        it writes.
        """
        return bulk.update(self, fields, everything=everything, dry_run=dry_run)

    @sends
    def delete(self, *refused: Never, everything: bool = False, dry_run: bool = False) -> BulkResult:
        """Delete every row; a query without filters needs `everything=True`.

        Rows are read first, then deleted by key, even if they no longer match the filter by then: if others may change
        them, `refresh()` and check each row before you delete it.
        """
        if refused:
            raise ArgumentTypeError(
                f"delete() takes no key, got {describe(refused[0])}; get(key).delete() deletes one row, and "
                "filter(...).delete() those that match. Nothing was sent"
            )
        return bulk.delete(self, everything=everything, dry_run=dry_run)


# --- where queries start ------------------------------------------------------
class Manager(QuerySet[E]):
    """The query for all rows of an entity; subclasses add methods of that entity, which `filter()` and others keep."""


class Objects:
    """The attribute `objects` of an entity: a fresh manager each time."""

    def __get__(self, instance: E | None, owner: type[E]) -> Manager[E]:
        refuse_instance(instance, owner)
        return Manager(owner)


class ManagedBy(Objects, Generic[M]):
    """The attribute `objects` of an entity with verbs of its own: `objects = ManagedBy(TaskManager)`."""

    def __init__(self, manager: type[M]) -> None:
        self.manager = manager

    def __get__(self, instance: Any, owner: type[Any]) -> M:
        refuse_instance(instance, owner)
        if self.manager not in _SIGNED and is_interactive():
            _SIGNED.add(self.manager)
            self._sign(owner)
        return self.manager(owner)

    @optional
    def _sign(self, owner: type[Any]) -> None:
        raise NotImplementedError


def is_interactive() -> bool:
    """Whether somebody types: what is only for completion and `help()` takes no time elsewhere."""
    ipython = sys.modules.get("IPython")
    return hasattr(sys, "ps1") or (ipython is not None and ipython.get_ipython() is not None)


def refuse_instance(instance: object, owner: type[Any]) -> None:
    """Refuse `task.objects`, which would read as if it knew of the task."""
    if instance is not None:
        raise FieldError(f"queries start at the class: {owner.__name__}.objects", name="objects")


# --- how some of its verbs work ----------------------------------------------
def first_rows(queryset: Selection[E], count: int) -> Selection[E]:
    """Give the query of the first rows alone: those that were fetched, else by one request, without relations."""
    kept = queryset._kept
    if kept.whole or len(kept.rows) >= count:
        return queryset.all()._answered(kept.rows[:count])
    session = queryset.session
    return queryset[:count]._evolve(expand=(), prefetch=(), mode=FetchMode.PEERS).using(session)


def get_or_create(
    queryset: QuerySet[E],
    lookups: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None,
    find: Callable[[], E | None],
) -> tuple[E, bool]:
    """Give what *find* finds, or create it; everything is checked before the first request."""
    if defaults is not None and not isinstance(defaults, Mapping):
        raise QueryError(f"defaults is a dict of fields, got {describe(defaults)}; nothing was sent")
    finding.names_among(queryset.entity, lookups)
    values = {name: value for name, value in lookups.items() if "__" not in name} | dict(defaults or {})
    accepted(queryset.entity, values)
    binding.check_host(queryset.session, values.values(), what="get_or_create()")
    found = find()
    if found is not None:
        return found, False
    try:
        return queryset.create(**values), True
    except (ConflictError, ValidationError):
        # Someone else may have created it since; if not, the refusal stands.
        found = find()
        if found is None:
            raise
        return found, False


# Where pickles of earlier versions look for it.
_restore = restored
