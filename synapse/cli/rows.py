"""The verbs over rows: list, get, count, make, change and delete, of any entity."""

from __future__ import annotations

import json
import sys

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from synapse.cli import grammar, output
from synapse.interop.repl.describe import spelled
from synapse.orm.record import table_of
from synapse.query.kinds import TextKey, takes

if TYPE_CHECKING:
    from synapse.entities import Session
    from synapse.orm import Entity, QuerySet

_SCREENFUL: Final = 30
_STREAMED: Final = 1_000


def list_rows(
    session: Session,
    *,
    entity: str,
    words: Sequence[str],
    fields: str | None,
    order: str | None,
    limit: int | None,
    as_json: bool,
    quiet: bool,
    requests: bool,
) -> None:
    """Print the rows that match, as they come."""
    _, cls = grammar.entity_of(entity)
    query = matching(cls, words, session=session, verb="ls")
    if order:
        query = query.order_by(*(name.strip() for name in order.split(",")))
    names = [cls._schema.pk] if quiet else grammar.fields_of(cls, fields)
    table = table_of(cls, session)
    if fields is None:
        # What lists leave out would take a request for each row.
        names = [name for name in names if name in table.listed]
    if requests:
        output.say(str(query.only(*names).explain() if fields else query.explain()))
        return
    shown = _SCREENFUL if limit is None and output.is_terminal() and not as_json else limit or 0
    found = query.values(*names, json=True)
    stream = _limited(query, found, most=shown, counts=table.traits.counts)
    if quiet:
        for row in stream:
            output.say(output.cell(row[names[0]]))
    else:
        output.rows(stream, names, as_json=as_json)


def _limited(query: QuerySet[Any], found: Any, *, most: int, counts: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows, *most* of them unless it is 0; where that is not all, say of how many, if the API *counts*."""
    if not most:
        yield from found.iterator(page_size=_STREAMED)
        return
    rows = list(found[: most + 1].iterator())
    yield from rows[:most]
    if len(rows) > most:
        number = f"{most:,} of {query.count():,}" if counts else f"the first {most:,}"
        output.note(f"{number}; --limit 0 for all")


def get_row(
    session: Session, *, entity: str, words: Sequence[str], fields: str | None, as_json: bool
) -> None:
    """Print one object, by its key or by lookups."""
    _, cls = grammar.entity_of(entity)
    found = one(cls, words, session=session)
    row = _chosen(found, grammar.fields_of(cls, fields)) if fields else found.to_dict(json=True)
    hidden = {name for name, each in cls._schema.fields.items() if each.secret}
    output.facts({name: value for name, value in row.items() if name not in hidden}, as_json=as_json)


def _chosen(found: Entity, names: Sequence[str]) -> dict[str, Any]:
    for name in names:
        getattr(found, name)
    row = found.to_dict(json=True)
    return {name: row.get(name) for name in names}


def count_rows(session: Session, *, entity: str, words: Sequence[str]) -> None:
    """Print how many rows match."""
    _, cls = grammar.entity_of(entity)
    output.say(str(matching(cls, words, session=session, verb="count").count(walk=True)))


def show_fields(*, entity: str, as_json: bool) -> None:
    """Print what can be asked of an entity, and what its objects have; nothing is sent."""
    _, cls = grammar.entity_of(entity)
    catalog, schema = cls._catalog, cls._schema
    lookups = {name: takes(catalog.kinds[of]) for name, (of, _) in catalog.every_spelling().items()}
    fields = [
        {
            "name": name,
            "type": spelled(field.annotation),
            "read_only": field.read_only,
            "required": field.required,
        }
        for name, field in schema.fields.items()
    ]
    if as_json:
        told = {
            "entity": schema.entity,
            "fields": fields,
            "lookups": lookups,
            "orders": list(catalog.order_by),
            "names": list(schema.natural),
        }
        output.say(json.dumps(told, ensure_ascii=False))
        return
    if output.is_terminal():
        output.say(str(cls.describe()))
        return
    rows = [{"kind": "lookup", "name": name, "takes": kind} for name, kind in lookups.items()]
    rows += [{"kind": "order", "name": name, "takes": "-name for descending"} for name in catalog.order_by]
    rows += [{"kind": "field", "name": str(each["name"]), "takes": str(each["type"])} for each in fields]
    output.rows(rows, ("kind", "name", "takes"))


# --- writing -----------------------------------------------------------------
def new_row(session: Session, *, entity: str, words: Sequence[str], as_json: bool) -> None:
    """Create one object, and print its key."""
    plural, cls = grammar.entity_of(entity)
    made = getattr(session, plural).create(**grammar.values_of(cls, words, verb="new"))
    if as_json:
        output.facts({"id": made.pk}, as_json=True)
    else:
        output.say(output.cell(made.pk))


def set_rows(
    session: Session,
    *,
    entity: str,
    words: Sequence[str],
    values: Sequence[str],
    everything: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Change fields of one object, or of every row that matches."""
    _, cls = grammar.entity_of(entity)
    if not values:
        raise click.UsageError("set needs what to set: --set name=value")
    changes = grammar.values_of(cls, values, verb="--set")
    what = f"Change {', '.join(changes)} of"
    if is_key(words):
        found = one(cls, words, session=session)
        _agree(lambda: f"{what} {found!r}?", yes=yes or dry_run)
        output.say(_set_one(found, changes, dry_run=dry_run))
        return
    query = matching(cls, words, session=session, verb="set")
    _bound(words, everything=everything)
    _agree(lambda: f"{what} {_number_of(query)}?", yes=yes or dry_run)
    output.say(str(query.update(everything=everything, dry_run=dry_run, **changes)))


def _set_one(found: Any, changes: dict[str, Any], *, dry_run: bool) -> str:
    for name, value in changes.items():
        setattr(found, name, value)
    differs = int(bool(found.changes))
    if not dry_run:
        found.save()
    return f"{'would update' if dry_run else 'updated'} {differs} of 1 {type(found).__name__}"


def remove_rows(
    session: Session, *, entity: str, words: Sequence[str], everything: bool, yes: bool, dry_run: bool
) -> None:
    """Delete one object, or every row that matches."""
    _, cls = grammar.entity_of(entity)
    if is_key(words):
        found = one(cls, words, session=session)
        _agree(lambda: f"Delete {found!r}?", yes=yes or dry_run)
        if not dry_run:
            found.delete()
        output.say(f"{'would delete' if dry_run else 'deleted'} 1 of 1 {cls.__name__}")
        return
    query = matching(cls, words, session=session, verb="rm")
    _bound(words, everything=everything)
    _agree(lambda: f"Delete {_number_of(query)}?", yes=yes or dry_run)
    output.say(str(query.delete(everything=everything, dry_run=dry_run)))


def _bound(words: Sequence[str], *, everything: bool) -> None:
    """Refuse every row there is, unless that is meant."""
    if not words and not everything:
        raise click.UsageError("this would be every row there is: give a key or name=value, or --all")


def _number_of(query: QuerySet[Any]) -> str:
    return f"{query.count(walk=True):,} {query.entity.__name__}"


def _agree(question: Callable[[], str], *, yes: bool) -> None:
    """Have a person say yes; where nobody can, `--yes` says it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask on: --yes agrees, --dry-run shows; nothing was sent"
        )
    click.confirm(question(), abort=True, err=True)


# --- finding -----------------------------------------------------------------
def matching(cls: type[Entity], words: Sequence[str], *, session: Session, verb: str) -> QuerySet[Any]:
    """Return the query for what was typed."""
    query: QuerySet[Any] = cls.objects.using(session)
    lookups = grammar.lookups_of(cls, words, verb=verb)
    return query.filter(**lookups) if lookups else query


def one(cls: type[Entity], words: Sequence[str], *, session: Session) -> Any:
    """Return the one object of a key, or of lookups and names."""
    query: QuerySet[Any] = cls.objects.using(session)
    if is_key(words):
        return named(cls, words[0], session=session)
    if not words:
        raise click.UsageError("get takes a key, or name=value")
    return query.get(**grammar.lookups_of(cls, words, verb="get"))


def is_key(words: Sequence[str]) -> bool:
    """Whether one object was named, rather than lookups."""
    return len(words) == 1 and "=" not in words[0]


def named(cls: type[Entity], text: str, *, session: Session) -> Any:
    """Return the object of a key, or of a natural name such as a project's title."""
    key = grammar.key_of(cls, text)
    query: QuerySet[Any] = cls.objects.using(session)
    if isinstance(key, int) or isinstance(cls._schema.key, TextKey) or not cls._schema.natural:
        return query.get(key)
    return query.get(**{cls._schema.natural[0]: text})
