"""Whether an object can be worked with, and on which backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from synapse.dialects import DEFAULT
from synapse.errors import NotFoundError, QueryError, WrongHostError
from synapse.orm.registry import entity_named
from synapse.session import Backend, Session, current, current_if_any

if TYPE_CHECKING:
    from synapse.dialects import Reply, Request, Table
    from synapse.mapping.state import State
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

_ALIASES: Final = (
    "If both are addresses of one backend, say so by SYNAPSE_HOST_ALIASES='https://one,https://other' or "
    "Session(aliases=[...]). Nothing was sent"
)


# --- where an object belongs --------------------------------------------------
def backend_of(instance: Entity, *, but: str = "") -> Backend | None:
    """Give the backend that an object came from, or what it links to, *but* one; None if it is free."""
    return backend_in(instance._state, but=but)


def backend_in(state: State, *, but: str = "") -> Backend | None:
    """Give the backend of the object that a state is of."""
    if (found := _kept(state)) is not None:
        return found
    linked = [each for name, each in (state.related or {}).items() if name != but]
    return next(
        (kept for each in linked if hasattr(type(each), "_schema") and (kept := _kept(each._state))), None
    )


def _kept(state: State) -> Backend | None:
    kept: Backend | str | None = state.backend if state.session is None else state.session.backend
    return Backend(kept) if isinstance(kept, str) else kept


def travelling(instance: Entity) -> Backend | None:
    """Give the backend that a pickle of an object names; an object without a session goes by the current one."""
    found = backend_of(instance)
    return found if found is not None or not instance._state.saved else _current()


def _current() -> Backend | None:
    session = current_if_any()
    return None if session is None else session.backend


def session_of(instance: Entity) -> Session:
    """Give the session that an object came through, or the current one, if that leads to where it belongs."""
    session: Session | None = instance._state.session
    if session is not None:
        return session
    found, backend, name = current(), backend_of(instance), instance._schema.entity
    if backend is not None and not found.backend.holds(backend):
        here = f"{name} {instance.pk}" if instance._state.saved else f"this new {name}"
        raise _wrong(
            f"{here} came from {backend}, but the current session goes to {found.backend}, where its keys name another "
            f"one; make a session for its own host current, or get it anew by {name}.objects.using(session)",
            backend,
            found,
        )
    return found


def held(instance: Entity, verb: str) -> Session:
    """Give the session for a verb, refusing an object that the backend does not hold."""
    name = instance._schema.entity
    if instance._state.deleted:
        raise QueryError(
            f"{name} {instance.pk} was deleted, which leaves nothing to {verb}; nothing was sent"
        )
    if not instance._state.saved:
        raise QueryError(f"this {name} is not saved yet; call .save() before .{verb}()")
    return session_of(instance)


def send(instance: Entity, request: Request, *, session: Session) -> Reply:
    """Send a request about an object; where the backend does not know it, raise the entity's DoesNotExist."""
    from synapse.orm import loading

    try:
        return session.send(request)
    except NotFoundError as error:
        message = f"{instance._schema.entity} {instance.pk} does not exist (any more): {error}"
        raise loading.missing(type(instance), message, cause=error) from error


def apart(instance: Entity, other: Entity | Session) -> bool:
    """Whether an object is known to be of another backend than another one, or than a session leads to."""
    mine = backend_of(instance)
    theirs = other.backend if isinstance(other, Session) else backend_of(other)
    return mine is not None and theirs is not None and not mine.is_at(theirs)


# --- where a query goes --------------------------------------------------------
def table_for(queryset: QuerySet[Any]) -> Table:
    """Give the entity of a query in the API that the query goes to, or before it has a session, in the usual one."""
    session, cls = queryset._session or current_if_any(), queryset.entity
    return (session.dialect if session else DEFAULT).table(cls._schema, cls._catalog)


def chosen(queryset: QuerySet[Any]) -> Session:
    """Give the session of a query, or the current one, if that leads to where the query, its keys and rows belong."""
    what = f"this {queryset.entity.__name__} query"
    session = queryset._session or current()
    home = _home(queryset)
    if queryset._session is None and home is not None and not session.backend.holds(home):
        raise _wrong(
            f"{what} {'was made for' if queryset._made_for else 'has rows of'} {home}, but the current session goes to "
            f"{session.backend}; .using(session) says where it is to go",
            home,
            session,
        )
    meet(session, queryset._keys_of, what=what)
    return session


def _home(queryset: QuerySet[Any]) -> Backend | None:
    """Give the backend that a query was made for, or that it has rows of: what is written is what was looked at."""
    return queryset._made_for or queryset._result.backend


def home_of(queryset: QuerySet[Any]) -> Backend | None:
    """Give the backend that a query goes to, or would go to now; nothing is asked, and no session made."""
    session = queryset._session
    return session.backend if session is not None else _home(queryset) or _current()


def restored(cls: type[QuerySet[Any]], *pickled: Any) -> QuerySet[Any]:
    """Rebuild a pickled query; earlier versions kept the name of the entity, and the address alone."""
    entity, query, (initial, keys_of, *made_for) = pickled
    made = cls(entity_named(entity) if isinstance(entity, str) else entity, query=query)
    made._initial, made._made_for = initial, next(iter(made_for), None)
    made._keys_of = Backend(keys_of) if isinstance(keys_of, str) else keys_of
    return made


def among(values: Iterable[Any], *, known: Backend | None = None) -> Backend | None:
    """Give the backend that the objects among some values came from, those in lists as well; refuse two of them."""
    for each in (member for value in values for member in _members(value)):
        found = backend_of(each) if hasattr(type(each), "_schema") else None
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


def check_link(instance: Entity, target: Any, *, name: str) -> None:
    """Refuse to link an object to one of another backend."""
    mine, theirs = backend_of(instance, but=name), backend_of(target)
    if mine is not None and theirs is not None and not mine.is_at(theirs):
        raise WrongHostError(
            f"{instance._schema.entity}.{name} is an object of {mine.host}, but was given {target._schema.entity} "
            f"{target.pk} of {theirs.host}, whose key names another one there. {_ALIASES}"
        )


def _wrong(message: str, backend: Backend, session: Session) -> WrongHostError:
    error = WrongHostError(f"{message}. {_ALIASES}")
    error.host, error.session_host = backend.host, session.host
    return error
