"""Turn rows into answers: one declared face per kind of answer, compiled once per request.

Serializing dominates a list page, so reading does not pass through serializers: a face knows which keys it
has and how to read each of them, the shape of the request chooses among them, and the plan that falls out
of both says what to join and prefetch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import models
from django.db.models import QuerySet, prefetch_related_objects
from django.utils.timezone import get_default_timezone

from . import objects
from .flexfields import Shape
from .media import signature_of

Read = Callable[[Any], Any]
Make = Callable[["Context"], Read]
Load = Callable[[Sequence[Any]], None]


@dataclass(frozen=True, slots=True)
class Context:
    """What readers need to know about the request."""

    base_url: str

    def url(self, name: str) -> str:
        """Return the absolute address of the stored file called *name*, signed."""
        if name.startswith(objects.MARK):
            return objects.get_address(name.removeprefix(objects.MARK))
        return f"{self.base_url}{settings.MEDIA_URL}{quote(name)}?sig={signature_of(name)}"


@dataclass(frozen=True, slots=True)
class Column:
    """How one key of an answer is read, and what has to be loaded for it.

    *load* is given all the rows that stand at the path *at*, and leaves on each what *make* reads there:
    without a model instance for every related row, which would be most of the cost of a page.
    """

    make: Make
    joins: tuple[str, ...] = ()
    fetches: tuple[str, ...] = ()
    defers: tuple[str, ...] = ()
    count: Any = None
    load: Load | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a key shows when it is expanded; `always` keys are there, closed, without that too.

    The related rows stand in *attribute*, by default the key itself. Where that is a property of the model,
    *fetch* names the relation it reads.
    """

    face: str | None = None
    attribute: str = ""
    fetch: str = ""
    many: bool = False
    always: bool = True
    column: Column | None = None


@dataclass(slots=True)
class Plan:
    """What to load along with the rows."""

    joins: list[str] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    defers: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    loads: dict[tuple[str, Load], None] = field(default_factory=dict)

    def need(self, column: Column, *, prefix: str, inside_many: bool) -> None:
        joins = [prefix + path for path in column.joins]
        (self.fetches if inside_many else self.joins).extend(joins)
        self.fetches.extend(prefix + path for path in column.fetches)
        if not inside_many:
            self.defers.extend(prefix + path for path in column.defers)
        if column.load is not None:
            self.loads[prefix + column.at, column.load] = None

    def apply(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.joins:
            rows = rows.select_related(*self.joins)
        if self.counts:
            rows = rows.annotate(**self.counts)
        return rows.prefetch_related(*self.fetches).defer(*self.defers)

    def fill(self, rows: Sequence[Any]) -> None:
        """Load for *rows*, which are there already, what `apply` would have."""
        prefetch_related_objects(rows, *self.joins, *self.fetches)
        missing = [row for row in rows if any(name not in row.__dict__ for name in self.counts)]
        if missing:
            source = type(missing[0])._default_manager.filter(pk__in=[row.pk for row in missing])
            found = source.annotate(**self.counts).values_list("pk", *self.counts)
            counts = {pk: numbers for pk, *numbers in found}
            for row in missing:
                row.__dict__.update(zip(self.counts, counts[row.pk], strict=True))

    def load(self, rows: Sequence[Any]) -> None:
        """Leave on *rows*, and on what they lead to, what readers look for there."""
        for path, load in self.loads:
            load(rows_at(rows, path))


def rows_at(rows: Iterable[Any], path: str) -> list[Any]:
    """Return the rows that *path* leads to from *rows*; none for where there is none."""
    found = list(rows)
    for step in filter(None, path.split("__")):
        others = [getattr(row, step) for row in found]
        many = [other.all() if hasattr(other, "all") else (other,) for other in others if other is not None]
        found = [row for group in many for row in group]
    return found


class Face:
    """The keys of one kind of answer, and how to read them off a row of *model*."""

    def __init__(
        self,
        model: type[models.Model],
        keys: str,
        *,
        computed: Mapping[str, Column] | None = None,
        opens: Mapping[str, Opening] | None = None,
    ) -> None:
        self.model = model
        self.opens = dict(opens or {})
        computed = computed or {}
        self.columns = {key: computed.get(key) or column_of(model, key) for key in keys.split()}
        self.heavy = [f.name for f in model._meta.fields if isinstance(f, models.JSONField)]

    def plan(self, shape: Shape) -> Plan:
        """Return what the rows of *shape* need loaded."""
        plan = Plan()
        self._gather(plan, shape, prefix="", inside_many=False)
        used = {key for key in self.columns if shape.keeps(key)} | set(self.opens)
        plan.defers.extend(name for name in self.heavy if name not in used)
        return plan

    def compile(self, shape: Shape, context: Context) -> Read:
        """Return the function that makes one row an answer."""
        pairs = [(key, self._reader(key, shape, context)) for key in self._keys(shape)]
        return lambda row: {key: read(row) for key, read in pairs}

    def _keys(self, shape: Shape) -> list[str]:
        hidden = [k for k, o in self.opens.items() if k not in self.columns and (o.always or shape.opens(k))]
        return [key for key in (*self.columns, *hidden) if shape.keeps(key)]

    def _opened(self, key: str, shape: Shape) -> Opening | None:
        opening = self.opens.get(key)
        return opening if opening and opening.face and shape.opens(key) else None

    def _reader(self, key: str, shape: Shape, context: Context) -> Read:
        opening = self._opened(key, shape)
        if opening is None:
            column = self.columns.get(key) or self.opens[key].column
            assert column is not None
            return column.make(context)
        row = FACES[opening.face].compile(shape.inside(key), context)
        related = attrgetter(opening.attribute or key)
        if opening.many:
            return lambda obj: [row(other) for other in related(obj).all()]

        def read(obj: Any) -> Any:
            other = related(obj)
            return None if other is None else row(other)

        return read

    def _gather(self, plan: Plan, shape: Shape, *, prefix: str, inside_many: bool) -> None:
        for key in self._keys(shape):
            opening = self._opened(key, shape)
            if opening is None:
                self._gather_column(plan, key, prefix=prefix, inside_many=inside_many)
                continue
            if opening.fetch:
                plan.fetches.append(prefix + opening.fetch)
                continue
            path = prefix + (opening.attribute or key)
            (plan.fetches if opening.many or inside_many else plan.joins).append(path)
            FACES[opening.face]._gather(
                plan, shape.inside(key), prefix=f"{path}__", inside_many=inside_many or opening.many
            )

    def _gather_column(self, plan: Plan, key: str, *, prefix: str, inside_many: bool) -> None:
        column = self.columns.get(key) or self.opens[key].column
        assert column is not None
        plan.need(column, prefix=prefix, inside_many=inside_many)
        if column.count is not None and not prefix:
            plan.counts[key] = column.count


FACES: dict[str | None, Face] = {}
MAIN_FACE: dict[type[models.Model], str] = {}


def declare(name: str, face: Face, *, main: bool = True) -> None:
    """Make *face* known as *name*, and as the usual one of its model unless *main* is false."""
    FACES[name] = face
    if main:
        MAIN_FACE[face.model] = name


def represent(rows: Any, request: Any, *, face: str | None = None) -> Any:
    """Return the answer for one row, or for a list of rows, as *request* wants it shaped."""
    many = isinstance(rows, Iterable)
    loaded = list(rows) if many else [rows]
    if not loaded:
        return []
    chosen = FACES[face or MAIN_FACE[type(loaded[0])]]
    shape = Shape.of(request.query_params)
    chosen.plan(shape).fill(loaded)
    answers = read_all(loaded, request, face=chosen, shape=shape)
    return answers if many else answers[0]


def read_all(rows: Sequence[Any], request: Any, *, face: Face, shape: Shape) -> list[dict[str, Any]]:
    """Return the answers for *rows* that were loaded by the plan of *face* and *shape*."""
    if rows:
        face.plan(shape).load(rows)
    read = face.compile(shape, context_of(request))
    return [read(row) for row in rows]


def context_of(request: Any) -> Context:
    """Return what readers need to know about *request*."""
    return Context(base_url=f"{request.scheme}://{request.get_host()}")


def column_of(model: type[models.Model], key: str) -> Column:
    """Return the usual way to read the column *key* of *model*."""
    column = model._meta.get_field(key)
    if isinstance(column, models.ManyToManyField):
        return linked_ids(column)
    if isinstance(column, models.ForeignKey):
        return plain(column.attname)
    if isinstance(column, models.DateTimeField):
        return moment(key)
    if isinstance(column, models.FileField):
        return stored_file(key)
    if isinstance(column, models.UUIDField):
        return computed(lambda row: str(getattr(row, key)))
    return plain(key)


def plain(attribute: str) -> Column:
    """Read *attribute* as it is."""
    return Column(lambda _context: attrgetter(attribute))


def computed(read: Read, **needs: Any) -> Column:
    """Read by *read*, which knows nothing of the request."""
    return Column(lambda _context: read, **needs)


def moment(attribute: str) -> Column:
    """Read a point in time as ISO 8601 with the offset of the platform's zone."""
    zone = get_default_timezone()

    def read(row: Any) -> str | None:
        value = getattr(row, attribute)
        return None if value is None else value.astimezone(zone).isoformat()

    return computed(read)


def stored_file(attribute: str) -> Column:
    """Read a stored file as its absolute address, or none."""

    def make(context: Context) -> Read:
        def read(row: Any) -> str | None:
            name = getattr(row, attribute).name
            return context.url(name) if name else None

        return read

    return Column(make)


def ids_of(attribute: str) -> Column:
    """Read a relation to many as the list of their keys."""
    related = attrgetter(attribute)
    return computed(lambda row: [other.pk for other in related(row).all()], fetches=(attribute,))


def linked_ids(column: models.ManyToManyField) -> Column:
    """Read a relation over a table of links as the list of keys, read off that table alone."""
    link, here = column.remote_field.through, f"{column.m2m_field_name()}_id"
    there, name = f"{column.m2m_reverse_field_name()}_id", f"_{column.name}_ids"

    def load(rows: Sequence[Any]) -> None:
        keys: dict[Any, list[Any]] = {row.pk: [] for row in rows}
        links = link._default_manager.filter(**{f"{here}__in": keys}).order_by(there)
        for pk, other in links.values_list(here, there):
            keys[pk].append(other)
        for row in rows:
            row.__dict__[name] = keys[row.pk]

    return computed(lambda row: row.__dict__[name], load=load)
