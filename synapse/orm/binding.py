"""Whether an object can be worked with, and on which backend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synapse.errors import NotFoundError, QueryError
from synapse.orm import loading

if TYPE_CHECKING:
    from synapse.dialects import Reply, Request
    from synapse.orm.entity import Entity
    from synapse.session import Session


def held(instance: Entity, verb: str) -> Session:
    """Give the session for a verb, refusing an object that the backend does not hold."""
    name = instance._schema.entity
    if instance._state.deleted:
        raise QueryError(
            f"{name} {instance.pk} was deleted, which leaves nothing to {verb}; nothing was sent"
        )
    if not instance._state.saved:
        raise QueryError(f"this {name} is not saved yet; call .save() before .{verb}()")
    return loading.session_of(instance)


def send(instance: Entity, request: Request, *, session: Session) -> Reply:
    """Send a request about an object; where the backend does not know it, raise the entity's DoesNotExist."""
    try:
        return session.send(request)
    except NotFoundError as error:
        message = f"{instance._schema.entity} {instance.pk} does not exist (any more): {error}"
        raise loading.missing(type(instance), message, cause=error) from error


def host_of(values: Iterable[Any], *, known: str | None = None) -> str | None:
    """Give the host that the objects among some values came from, those in lists as well; refuse two of them."""
    single = [
        each for value in values for each in (value if isinstance(value, list | tuple | set) else (value,))
    ]
    states = [each._state for each in single if hasattr(type(each), "_schema")]
    came_from = [known, *(getattr(state.session, "host", state.host) for state in states)]
    hosts: set[str] = {host for host in came_from if host is not None}
    if len(hosts) > 1:
        raise QueryError(f"objects of several backends cannot be mixed: {', '.join(sorted(hosts))}")
    return next(iter(hosts), None)


def meet(session: Session, host: str | None, *, what: str) -> None:
    """Refuse to take an object's key to another host, where it names another object."""
    if host is not None and host != session.host:
        raise QueryError(
            f"{what} goes to {session.host}, but was given an object of {host}, whose key names another one "
            "there; get the object through this session. Nothing was sent"
        )


def check_host(session: Session, values: Iterable[Any], *, what: str) -> None:
    """Refuse objects that came from another backend than the one that is spoken to."""
    meet(session, host_of(values), what=what)
