"""What is asked of the backend about a write of which nobody knows: a creation, a change, a deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import NotFoundError, Resolution, describe
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import same_json
from synapse.mapping.likeness import Likeness
from synapse.mapping.unset import UNSET
from synapse.orm import answers, loading, matching, recent_rows
from synapse.orm.changes import loaded_value, open_values
from synapse.orm.record import entity_named, owner_key, put, reference, schema_of, state_of, table_of
from synapse.orm.unconfirmed import ABSENT, Asked, Harmless, Moment, without_secrets

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.session import Session

MOST_READ: Final = 20


@attrs.frozen(kw_only=True)
class Creation(Asked):
    """Rows that were sent to be created, each as its wire values by field; `lookups` narrow where they are."""

    entity: str
    sent: tuple[Mapping[str, Any], ...] = attrs.field(repr=False)
    since: Moment
    lookups: Mapping[str, Any] = attrs.field(factory=dict)
    partial: bool = False
    taken: set[Any] = attrs.field(factory=set, repr=False, eq=False)

    @classmethod
    def of(cls, objects: Sequence[Record], *, session: Session, since: Moment) -> Creation:
        """Ask for new objects of one entity, which were sent by one request."""
        asked = cls.of_rows(
            type(objects[0]), [open_values(each) for each in objects], session=session, since=since
        )
        return attrs.evolve(asked, objects=tuple(objects))

    @classmethod
    def of_rows(
        cls, entity: type[Record], sent: Sequence[Mapping[str, Any]], *, session: Session, since: Moment
    ) -> Creation:
        """Ask for rows that nobody holds as objects, given as wire values by field."""
        links = recent_rows.shared_links(table_of(entity, session), sent)
        return cls(
            entity=schema_of(entity).entity,
            sent=tuple(sent),
            since=since,
            lookups=links,
            host=session.host,
            session=session,
        )

    def look(self, session: Session) -> Resolution:
        """Look for rows made since that carry what was sent, leaving out those that are known to be others."""
        cls = entity_named(self.entity)
        made = recent_rows.made_since(cls, self.since, session=session, lookups=self.lookups)
        rows = self._unknown(made.rows, session)
        paired = self._paired_whole(rows, session)
        # All or nothing: of a batch that is there in part nobody knows whether the rest is still on its way.
        if made.dated and len(paired.found) == len(self.sent) and not self.partial:
            found = [
                self._taken(index, *rows[paired.found[index]], session) for index in range(len(self.sent))
            ]
            return Resolution(done=True, rows=tuple(found), reason=f"it is {named(found)}")
        keys = _keys(paired)
        if keys or not made.whole:
            maybe = tuple(rows[key][0] for key in keys)
            return Resolution(rows=maybe, reason=self._doubt(made, paired, maybe))
        if instead := tuple(row for row, _ in rows.values() if row.pk in self.instead):
            told = f"{named(instead)} was the answer to it, was made since, and holds other values than were sent"
            return Resolution(rows=instead, reason=told)
        # Clocks may be wrong by up to an hour, and to send again what is there makes a second one.
        older = self._unknown(made.perhaps, session)
        maybe = tuple(older[key][0] for key in _keys(self._paired_whole(older, session)))
        if maybe:
            said = "holds the same and was made before, unless clocks are wrong"
            return Resolution(rows=maybe, reason=f"{named(maybe)} {said}")
        return ABSENT

    def _unknown(self, rows: list[Any], session: Session) -> dict[Any, tuple[Record, dict[str, Any]]]:
        """Leave out rows that this session made by other writes."""
        own = {each.pk for each in self.objects} | self.taken
        resource = schema_of(entity_named(self.entity)).resource
        return {
            row.pk: (row, raw) for row, raw in rows if row.pk in own or not session.has_made(resource, row.pk)
        }

    def _paired_whole(
        self, rows: dict[Any, tuple[Record, dict[str, Any]]], session: Session
    ) -> matching.Paired[int]:
        """Pair rows, of which those in doubt are read by themselves where lists leave out what was sent."""
        paired, table = self._paired(rows), table_of(entity_named(self.entity), session)
        unlisted = {name for values in self.sent for name in values if name not in table.listed}
        unsure = [key for keys in paired.doubtful.values() for key in keys]
        if not any(map(table.shows, unlisted)) or not 0 < len(unsure) <= MOST_READ:
            return paired
        for key in dict.fromkeys(unsure):
            row, raw = rows[key]
            with suppress(NotFoundError):
                whole = loading.detail_row(row, session)
                loading.fill_missing(row, whole, table=table)
                rows[key] = (row, raw | whole)
        return self._paired(rows)

    def _paired(self, rows: Mapping[Any, tuple[Record, dict[str, Any]]]) -> matching.Paired[int]:
        found = [row for row, _ in rows.values()]
        return matching.pair(dict(enumerate(self.sent)), found, rewritten=not self.partial)

    def shareable(self) -> dict[str, Any]:
        """Leave out what may be secret, and remember that."""
        sent = tuple(without_secrets(values) for values in self.sent)
        return {"sent": sent, "partial": self.partial or sent != self.sent}

    def _doubt(
        self, made: recent_rows.Newest[Any], paired: matching.Paired[int], maybe: tuple[Record, ...]
    ) -> str:
        if not made.whole:
            return f"not all {self.entity} rows that were made since could be read; resolve() again, or filter for it"
        if self.partial:
            return f"{named(maybe)} may be it, but not all that was sent is kept in a pickle"
        if not made.dated:
            return f"{named(maybe)} may be it, but the backend does not say when it was made"
        if paired.found and not paired.doubtful:
            return f"{len(paired.found)} of {len(self.sent)} are there: {named(maybe)}"
        return f"{named(maybe)} may be it, or somebody else's; compare what it holds"

    def _taken(self, index: int, row: Record, raw: dict[str, Any], session: Session) -> Record:
        """Let the user's own object be the row that was found, unless it was saved since; no other write made it."""
        self.taken.add(row.pk)
        session.note_made(schema_of(row).resource, row.pk)
        if index >= len(self.objects):
            return row
        own: Record = self.objects[index]
        if state_of(own).saved:
            return own if own.pk == row.pk else row
        answers.adopt_found_row(own, raw, session=session, sent=self.sent[index])
        return own


def _keys(paired: matching.Paired[int]) -> list[Any]:
    keys = [*paired.found.values(), *(key for each in paired.doubtful.values() for key in each)]
    return list(dict.fromkeys(keys))


@attrs.frozen(kw_only=True)
class Edit(Asked):
    """Fields of one row that were to be changed: what was sent and what they were, as wire values by field."""

    entity: str
    pk: Any
    sent: Mapping[str, Any] = attrs.field(repr=False)
    before: Mapping[str, Any] = attrs.field(repr=False)
    below: Any = None

    @classmethod
    def of_row(
        cls,
        entity: type[Record],
        pk: Any,
        *,
        sent: Mapping[str, Any],
        before: Mapping[str, Any],
        session: Session,
        below: Any = None,
    ) -> Edit:
        """Ask for changes of a row that nobody holds as an object; `below` is the key of what it is addressed below."""
        fields = schema_of(entity).fields
        open_sent = {name: value for name, value in sent.items() if not fields[name].secret}
        return cls(
            entity=schema_of(entity).entity,
            pk=pk,
            sent=open_sent,
            before={name: before.get(name, UNSET) for name in open_sent},
            below=below,
            host=session.host,
            session=session,
        )

    @classmethod
    def of(cls, instance: Record, *, session: Session) -> Edit:
        """Ask for the unsaved changes of an object."""
        sent = open_values(instance)
        return cls(
            entity=schema_of(instance).entity,
            pk=instance.pk,
            sent=sent,
            before={name: loaded_value(instance, name) for name in sent},
            below=owner_key(instance, table_of(type(instance), session)),
            host=session.host,
            session=session,
            objects=(instance,),
        )

    def look(self, session: Session) -> Resolution:
        """Read the row, and hold each field against what was sent and what it was."""
        cls = entity_named(self.entity)
        try:
            raw = loading.detail_row(_addressed(cls, self.pk, self.below, session=session), session)
        except NotFoundError as error:
            return Resolution(reason=str(error))
        fresh = loading.load(cls, raw, session=session)
        held = held_values(fresh, self.sent)
        if not held:
            shown = ", ".join(self.sent) or "what was sent"
            return Resolution(rows=(fresh,), reason=f"nothing of a {self.entity} tells of {shown}")
        before = {name: self.before.get(name, UNSET) for name in held}
        if all(
            _taken_on(cls, name, self.sent[name], value, before=before[name]) for name, value in held.items()
        ):
            for own in self.objects:
                answers.adopt_found_row(own, raw, session=session, sent=self.sent)
            return Resolution(
                done=True, rows=self.objects or (fresh,), reason=f"{named([fresh])} holds what was sent"
            )
        if all(same_json(before[name], value) for name, value in held.items()):
            return ABSENT._replace(rows=(fresh,), reason=f"{named([fresh])} holds what it held before")
        shown = ", ".join(f"{name} {describe(session.masked(value))}" for name, value in held.items())
        return Resolution(
            rows=(fresh,),
            reason=f"{named([fresh])} holds neither what was sent nor what was loaded: {shown}",
        )

    def shareable(self) -> dict[str, Any]:
        """Leave out what may be secret: the other fields tell as well."""
        return {"sent": without_secrets(self.sent), "before": without_secrets(self.before)}


@attrs.frozen(kw_only=True)
class Removal(Harmless):
    """A row that was to be deleted."""

    entity: str
    pk: Any
    below: Any = None

    @classmethod
    def of_row(cls, entity: type[Record], pk: Any, *, session: Session, below: Any = None) -> Removal:
        """Ask for a row that nobody holds as an object; `below` is the key of what it is addressed below."""
        return cls(entity=schema_of(entity).entity, pk=pk, below=below, host=session.host, session=session)

    @classmethod
    def of(cls, instance: Record, *, session: Session) -> Removal:
        """Ask for an object."""
        below = owner_key(instance, table_of(type(instance), session))
        asked = cls.of_row(type(instance), instance.pk, session=session, below=below)
        return attrs.evolve(asked, objects=(instance,))

    def look(self, session: Session) -> Resolution:
        """See whether the row is there: deleting it once more does no harm."""
        cls = entity_named(self.entity)
        row = _addressed(cls, self.pk, self.below, session=session)
        try:
            loading.refresh(row)
        except NotFoundError as error:
            for own in self.objects:
                state_of(own).deleted = True
            return Resolution(done=True, rows=self.objects, reason=str(error))
        return ABSENT._replace(rows=(row,), reason=f"{named([row])} is there")


def _addressed(cls: type[Record], pk: Any, below: Any, *, session: Session) -> Record:
    """Give an object of which its key is known, and that of the object that it is addressed below, if there is one."""
    row, via = reference(cls, pk, session=session), table_of(cls, session).below
    if via is not None and below is not None:
        put(row, via, value=below)
    return row


def held_values(fresh: Record, names: Iterable[str]) -> dict[str, Any]:
    """Give what a row that was just read holds, as wire values; what no row shows is left out."""
    fields = schema_of(fresh).fields
    return {
        name: dump_value(fields[name].codec, getattr(fresh, name))
        for name in names
        if not fields[name].write_only
    }


def _taken_on(cls: type[Record], name: str, sent: Any, held: Any, *, before: Any) -> bool:
    found = matching.like(schema_of(cls).fields[name], sent, held=held)
    return found is Likeness.SAME or (found is Likeness.POSSIBLE and not same_json(held, before))


def named(rows: Sequence[Record]) -> str:
    """Name rows for a sentence, the first few of many."""
    shown = ", ".join(f"{schema_of(row).entity} {row.pk}" for row in rows[:3])
    return f"{shown} and {len(rows) - 3} more" if len(rows) > 3 else shown
