"""Whether an object can be worked with, and on which backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import NotFoundError, QueryError, WrongHostError
from synapse.orm.record import Record, is_record, missing, schema_of, state_of
from synapse.orm.record import apart as apart
from synapse.orm.record import backend_in as backend_in
from synapse.orm.record import backend_of as backend_of
from synapse.session import Backend, Session, current

if TYPE_CHECKING:
    from synapse.dialects import Reply, Request

_ALIASES: Final = (
    "If both are addresses of one backend, say so by SYNAPSE_HOST_ALIASES='https://one,https://other' or "
    "Session(aliases=[...]). Nothing was sent"
)


# --- where an object belongs --------------------------------------------------
def session_of(instance: Record) -> Session:
    """Give the session that an object came through, or the current one, if that leads to where it belongs."""
    session: Session | None = state_of(instance).session
    if session is not None:
        return session
    found, backend, name = current(), backend_of(instance), schema_of(instance).entity
    if backend is not None and not found.backend.holds(backend):
        here = f"{name} {instance.pk}" if state_of(instance).saved else f"this new {name}"
        raise _wrong(
            f"{here} came from {backend}, but the current session goes to {found.backend}, where its keys name another "
            f"one; make a session for its own host current, or get it anew by {name}.objects.using(session)",
            backend,
            found,
        )
    return found


def held(instance: Record, verb: str) -> Session:
    """Give the session for a verb, refusing an object that the backend does not hold."""
    name = schema_of(instance).entity
    if state_of(instance).deleted:
        raise QueryError(
            f"{name} {instance.pk} was deleted, which leaves nothing to {verb}; nothing was sent"
        )
    if not state_of(instance).saved:
        raise QueryError(f"this {name} is not saved yet; call .save() before .{verb}()")
    return session_of(instance)


def send(instance: Record, request: Request, *, session: Session) -> Reply:
    """Send a request about an object; where the backend does not know it, raise the entity's DoesNotExist."""
    try:
        return session.send(request)
    except NotFoundError as error:
        message = f"{schema_of(instance).entity} {instance.pk} does not exist (any more): {error}"
        raise missing(type(instance), message, cause=error) from error


# --- where a query goes --------------------------------------------------------
def check_home(session: Session, home: Backend, *, what: str) -> None:
    """Refuse to take a query without a session of its own to another backend than the one it belongs to."""
    if not session.backend.holds(home):
        raise _wrong(
            f"{what} {home}, but the current session goes to {session.backend}; .using(session) says where it is to go",
            home,
            session,
        )


def among(values: Iterable[Any], *, known: Backend | None = None) -> Backend | None:
    """Give the backend that the objects among some values came from, those in lists as well; refuse two of them."""
    for each in (member for value in values for member in _members(value)):
        found = backend_of(each) if is_record(each) else None
        if found is None:
            continue
        if known is not None and not known.is_at(found):
            raise WrongHostError(
                f"objects of several backends cannot be mixed: {known.host}, {found.host}. {_ALIASES}"
            )
        known = known or found
    return known


def _members(value: Any) -> Iterable[Any]:
    """Give what a list or an array holds; anything else, which may be used up by a look at it, is one value."""
    single = not isinstance(value, Iterable) or isinstance(value, str | bytes | range | Iterator)
    if single or hasattr(value, "_made_for"):  # a query is not run for this
        return (value,)
    try:
        return list(value)
    except TypeError:  # an array of numpy without dimensions
        return (value,)


def meet(session: Session, backend: Backend | None, *, what: str) -> None:
    """Refuse to take an object's key to another backend, where it names another object."""
    if backend is not None and not session.backend.is_at(backend):
        raise _wrong(
            f"{what} goes to {session.host}, but was given an object of {backend.host}, whose key names another one "
            "there; get the object through this session, by .using(session)",
            backend,
            session,
        )


def check_host(session: Session, values: Iterable[Any], *, what: str) -> None:
    """Refuse objects that came from another backend than the one that is spoken to."""
    meet(session, among(values), what=what)


def check_link(instance: Record, target: Any, *, name: str) -> None:
    """Refuse to link an object to one of another backend."""
    mine, theirs = backend_of(instance, but=name), backend_of(target)
    if mine is not None and theirs is not None and not mine.is_at(theirs):
        raise WrongHostError(
            f"{schema_of(instance).entity}.{name} is an object of {mine.host}, but was given "
            f"{schema_of(target).entity} {target.pk} of {theirs.host}, whose key names another one there. {_ALIASES}"
        )


def _wrong(message: str, backend: Backend, session: Session) -> WrongHostError:
    error = WrongHostError(f"{message}. {_ALIASES}")
    error.host, error.session_host = backend.host, session.host
    return error
