"""Fields of a row that were to be changed, and whether they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from synapse.errors import NotFoundError, Resolution, describe
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import same_json
from synapse.mapping.likeness import Likeness
from synapse.mapping.unset import UNSET
from synapse.orm import carrying, loading
from synapse.orm.registry import entity_named
from synapse.orm.resolving import ABSENT, Asked, Harmless, named, open_values, take_over, without_secrets

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session


@attrs.frozen(kw_only=True)
class Edit(Asked):
    """Fields of one row that were to be changed: what was sent and what they were, as wire values by field."""

    entity: str
    pk: Any
    sent: Mapping[str, Any] = attrs.field(repr=False)
    before: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def of_row(
        cls,
        entity: type[Entity],
        pk: Any,
        *,
        sent: Mapping[str, Any],
        before: Mapping[str, Any],
        session: Session,
    ) -> Edit:
        """Ask for changes of a row that nobody holds as an object."""
        fields = entity._schema.fields
        open_sent = {name: value for name, value in sent.items() if not fields[name].secret}
        return cls(
            entity=entity._schema.entity,
            pk=pk,
            sent=open_sent,
            before={name: before.get(name, UNSET) for name in open_sent},
            host=session.host,
            session=session,
        )

    @classmethod
    def of(cls, instance: Entity, *, session: Session) -> Edit:
        """Ask for the unsaved changes of an object."""
        sent = open_values(instance)
        return cls(
            entity=instance._schema.entity,
            pk=instance.pk,
            sent=sent,
            before={name: loaded_value(instance, name) for name in sent},
            host=session.host,
            session=session,
            objects=(instance,),
        )

    def look(self, session: Session) -> Resolution:
        """Read the row, and hold each field against what was sent and what it was."""
        cls = entity_named(self.entity)
        try:
            raw = loading.detail_row(loading.reference(cls, self.pk, session=session), session)
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
                take_over(own, raw, session=session, sent=self.sent)
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

    @classmethod
    def of_row(cls, entity: type[Entity], pk: Any, *, session: Session) -> Removal:
        """Ask for a row that nobody holds as an object."""
        return cls(entity=entity._schema.entity, pk=pk, host=session.host, session=session)

    @classmethod
    def of(cls, instance: Entity, *, session: Session) -> Removal:
        """Ask for an object."""
        return attrs.evolve(cls.of_row(type(instance), instance.pk, session=session), objects=(instance,))

    def look(self, session: Session) -> Resolution:
        """See whether the row is there: deleting it once more does no harm."""
        cls = entity_named(self.entity)
        row = loading.reference(cls, self.pk, session=session)
        try:
            row.refresh()
        except NotFoundError as error:
            for own in self.objects:
                own._state.deleted = True
            return Resolution(done=True, rows=self.objects, reason=str(error))
        return ABSENT._replace(rows=(row,), reason=f"{named([row])} is there")


def held_values(fresh: Entity, names: Iterable[str]) -> dict[str, Any]:
    """Give what a row that was just read holds, as wire values; what no row shows is left out."""
    fields = fresh._schema.fields
    return {
        name: dump_value(fields[name].codec, getattr(fresh, name))
        for name in names
        if not fields[name].write_only
    }


def loaded_value(instance: Entity, name: str) -> Any:
    """Give the wire value that a field had when it was loaded; `UNSET` where it never was."""
    state, codec = instance._state, instance._schema.fields[name].codec
    if codec.lazy:
        return state.loaded(name)
    value = state.before.get(name, UNSET)
    return value if value is UNSET else dump_value(codec, value)


def _taken_on(cls: type[Entity], name: str, sent: Any, held: Any, *, before: Any) -> bool:
    found = carrying.like(cls._schema.fields[name], sent, held=held)
    return found is Likeness.SAME or (found is Likeness.POSSIBLE and not same_json(held, before))
