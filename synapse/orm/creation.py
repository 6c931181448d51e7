"""Rows that were sent to be created, and whether they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from synapse.errors import Resolution
from synapse.orm import carrying, newer, newest
from synapse.orm.registry import entity_named, table_of
from synapse.orm.resolving import ABSENT, Asked, named, open_values, take_over, without_secrets

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.newest import Moment
    from synapse.session import Session


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
    def of(cls, objects: Sequence[Entity], *, session: Session, since: Moment) -> Creation:
        """Ask for new objects of one entity, which were sent by one request."""
        asked = cls.of_rows(
            type(objects[0]), [open_values(each) for each in objects], session=session, since=since
        )
        return attrs.evolve(asked, objects=tuple(objects))

    @classmethod
    def of_rows(
        cls, entity: type[Entity], sent: Sequence[Mapping[str, Any]], *, session: Session, since: Moment
    ) -> Creation:
        """Ask for rows that nobody holds as objects, given as wire values by field."""
        links = newer.shared_links(table_of(entity, session), sent)
        return cls(
            entity=entity._schema.entity,
            sent=tuple(sent),
            since=since,
            lookups=links,
            host=session.host,
            session=session,
        )

    def look(self, session: Session) -> Resolution:
        """Look for rows made since that carry what was sent, leaving out those that are known to be others."""
        cls = entity_named(self.entity)
        made = newest.made_since(cls, self.since, session=session, lookups=self.lookups)
        rows = self._unknown(made.rows, session)
        paired = self._paired(rows)
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
        older = self._unknown(made.perhaps, session)
        maybe = tuple(older[key][0] for key in _keys(self._paired(older)))
        if maybe:
            said = "holds the same and was made before, unless clocks are wrong"
            return Resolution(rows=maybe, reason=f"{named(maybe)} {said}")
        return ABSENT

    def _unknown(self, rows: list[Any], session: Session) -> dict[Any, tuple[Entity, dict[str, Any]]]:
        """Leave out rows that this session made by other writes."""
        own = {each.pk for each in self.objects} | self.taken
        resource = entity_named(self.entity)._schema.resource
        return {
            row.pk: (row, raw) for row, raw in rows if row.pk in own or not session.has_made(resource, row.pk)
        }

    def _paired(self, rows: Mapping[Any, tuple[Entity, dict[str, Any]]]) -> carrying.Paired[int]:
        found = [row for row, _ in rows.values()]
        return carrying.pair(dict(enumerate(self.sent)), found, rewritten=not self.partial)

    def shareable(self) -> dict[str, Any]:
        """Leave out what may be secret, and remember that."""
        sent = tuple(without_secrets(values) for values in self.sent)
        return {"sent": sent, "partial": self.partial or sent != self.sent}

    def _doubt(
        self, made: newest.Newest[Any], paired: carrying.Paired[int], maybe: tuple[Entity, ...]
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

    def _taken(self, index: int, row: Entity, raw: dict[str, Any], session: Session) -> Entity:
        """Let the user's own object be the row that was found, unless it was saved since; no other write made it."""
        self.taken.add(row.pk)
        session.note_made(row._schema.resource, row.pk)
        if index >= len(self.objects):
            return row
        own: Entity = self.objects[index]
        if own._state.saved:
            return own if own.pk == row.pk else row
        take_over(own, raw, session=session, sent=self.sent[index])
        return own


def _keys(paired: carrying.Paired[int]) -> list[Any]:
    keys = [*paired.found.values(), *(key for each in paired.doubtful.values() for key in each)]
    return list(dict.fromkeys(keys))
