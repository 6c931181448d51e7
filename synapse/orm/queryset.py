"""A lazy, reusable selection of objects, with Django's meanings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, Literal, Never, TypeVar, cast, overload

from synapse.errors import (
    ArgumentTypeError,
    ConflictError,
    QueryError,
    ValidationError,
    describe,
)
from synapse.optional import optional
from synapse.orm import binding, bulk
from synapse.orm.bulk import BulkResult
from synapse.orm.changes import accepted, linked
from synapse.orm.record import Record
from synapse.orm.selection import Selection, adopt, know_made, link_of, restored, writing_to
from synapse.orm.values import Values, shape_of
from synapse.query import FetchMode
from synapse.showing import View

E = TypeVar("E", bound="Record")


class QuerySet(Selection[E]):
    """A lazy, reusable selection of objects of one entity.

    Building one never touches the network; iterating, `len`, `in`, `bool`, indexing and the methods that give
    objects or numbers do. A result is kept once it was iterated.
    """

    @overload
    def values_list(self, field: str, /, *, flat: Literal[True], json: bool = ...) -> Values[Any]: ...
    @overload
    def values_list(self, *fields: str, named: bool = ..., json: bool = ...) -> Values[tuple[Any, ...]]: ...
    def values_list(
        self, *fields: str, flat: bool = False, named: bool = False, json: bool = False
    ) -> Values[Any]:
        """Give tuples of these fields, `named` ones on demand; with `flat=True` and one field, its bare values."""
        return Values.of(self, fields, shape=shape_of(flat=flat, named=named), json=json)

    def values(self, *fields: str, json: bool = False) -> Values[dict[str, Any]]:
        """Give dicts of these fields, or of all; with `json=True`, of what `json.dumps()` takes."""
        return Values.of(self, fields, shape="dict", json=json)

    @optional
    def show(self, *, columns: int = 4) -> View:
        """Show the pictures of the first 20 rows in a notebook, with the shapes that lie on them.

        Besides the rows it fetches those pictures, several at once; what hasn't come within two seconds is a name.
        """
        raise NotImplementedError

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    # --- writing ------------------------------------------------------------
    def create(self, **values: Any) -> E:
        """Create one object and return it saved."""
        binding.check_host(self.session, values.values(), what="create()")
        # A subclass may have an `__init__()` and a `save()` of its own.
        made: Any = self.entity(**linked(self.entity, values, link=link_of(self)))
        adopt(self, [made])
        with writing_to(self):
            made.save()
        know_made(self, [made])
        return cast("E", made)

    def bulk_create(
        self,
        objects: Iterable[E],
        *,
        batch_size: int = 200,
        journal: str | PathLike[str] | None = None,
    ) -> list[E]:
        """Create many objects, in batches where the backend takes lists; `BulkError` tells what was done.

        The given objects are returned, each with its key. Where it takes no lists (tags, projects), they are created
        side by side, and the keys are in no order. With *journal*, the path of a file that keeps what was
        sent and what is done, a run that ended early, even killed, goes on when it is started again with the same
        values: each row is created once. Rows go by their values there; the file holds none of them.
        """
        return bulk.create(self, objects, batch_size=batch_size, journal=journal)

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Give the one match, or create it from the lookups and *defaults*; the flag says whether it was created.

        Finding and creating are two requests. Of two callers at once both may create, and neither is told, unless the
        backend refuses the second (a task of the same unit): let one process create, or hold a lock of your own.
        """

        def find() -> E | None:
            try:
                return self.get(**lookups)
            except self.entity.DoesNotExist:
                return None

        return get_or_create(self, lookups, defaults=defaults, find=find)

    def update_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Change the one match to *defaults*, or create it; the flag says whether it was created.

        Of two callers at once both may create, as with `get_or_create()`.
        """
        found, made = self.get_or_create(defaults, **lookups)
        if not made:
            for name, value in (defaults or {}).items():
                setattr(found, name, value)
            with writing_to(self):
                cast("Any", found).save()
        return found, made

    def update(self, *, everything: bool = False, dry_run: bool = False, **fields: Any) -> BulkResult:
        """Set fields on every row, one request a row; a query without filters needs `everything=True`.

        With `dry_run=True` nothing is written; the result tells what would change. Rows are read first, then written by
        their keys, also those that have left the filter since: `save(check=True)` on each looks once more.
        """
        return bulk.update(self, fields, everything=everything, dry_run=dry_run)

    def delete(self, *refused: Never, everything: bool = False, dry_run: bool = False) -> BulkResult:
        """Delete every row; a query without filters needs `everything=True`.

        Rows are read first, then deleted by their keys, also those that have left the filter since: where others change
        them, `refresh()` and look at each before you delete it.
        """
        if refused:
            raise ArgumentTypeError(
                f"delete() takes no key, got {describe(refused[0])}; get(key).delete() deletes one row, and "
                "filter(...).delete() those that match. Nothing was sent"
            )
        return bulk.delete(self, everything=everything, dry_run=dry_run)


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
