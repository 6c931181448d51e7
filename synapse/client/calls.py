"""What every method of the flat client is made of: its names, its errors, and single requests."""

from __future__ import annotations

import functools

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar

from synapse.client.exceptions import told
from synapse.client.params import check_name, encoded
from synapse.dialects import Reply, Request, v1_client
from synapse.errors import QueryError, describe
from synapse.mapping.unset import UNSET
from synapse.orm.cached_rows import drop_all_cached
from synapse.orm.record import entity_at, entity_named
from synapse.query.kinds import LARGEST, Kind, TextKey
from synapse.uploads.checksums import as_object

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient

P = ParamSpec("P")
R = TypeVar("R")

Row: TypeAlias = dict[str, Any]
Params: TypeAlias = Mapping[str, Any] | None

# Where a parameter has two names, none of them can be required by its signature.
MISSING: Final[Any] = UNSET


def method(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a method of the flat client, whose errors its scripts can catch."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with told():
            return function(*args, **kwargs)

    return called


def either(name: str, given: Any, **other: Any) -> Any:
    """Take a value under its documented name or under the other one, which must not both be given."""
    ((alias, same),) = other.items()
    if given is UNSET and same is UNSET:
        raise TypeError(f"missing argument: {name!r} (or {alias!r})")
    if given is not UNSET and same is not UNSET:
        raise TypeError(f"{name!r} and {alias!r} are two names of one argument: give one of them")
    return same if given is UNSET else given


def sent(client: BackendClient, request: Request) -> Reply:
    """Send a request; what relations have cached of the rows that it may write is forgotten."""
    try:
        return client.session.send(request)
    finally:
        if request.method != "GET":
            forget(client, v1_client.resource_of(request))


def forget(client: BackendClient, resource: str | None) -> None:
    """Have relations ask anew for rows of a resource, and for those that its rows belong to."""
    if resource is not None:
        drop_all_cached(entity_at(resource), client.session)


def answer(client: BackendClient, request: Request) -> Any:
    """Send a request and give the body of its answer."""
    return sent(client, request).data


def answered(client: BackendClient, request: Request) -> Row:
    """Send a request that is answered by one object, and give that."""
    reply = sent(client, request)
    return as_object(reply.data, request, status=reply.status)


def changed(client: BackendClient, request: Request) -> Row | None:
    """Send a request that changes something, and give the object that it is answered by; None for an empty answer."""
    reply = sent(client, request)
    return None if reply.data is None else as_object(reply.data, request, status=reply.status)


def key_of(resource: str, given: object) -> int | str:
    """Take a key, an integer one as its digits too, or refuse what no backend gives as one."""
    return _checked(f"{resource}/{{id}}/", given, kind=entity_at(resource)._schema.key)


def upload_key(given: object) -> int | str:
    """Take the key of a chunked upload, which is a number or a UUID."""
    return _checked("chunked_upload/{id}/", given, kind=TextKey())


def _checked(what: str, given: object, *, kind: Kind) -> int | str:
    if isinstance(kind, TextKey):
        # Keys that are UUIDs now were numbers before.
        kind = TextKey(number=True)
    elif isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < len(str(LARGEST)):
        given = int(given)
    checked: int | str = kind.check(what, given)
    return checked


def fetch(client: BackendClient, resource: str, pk: object, params: Params = None) -> Row:
    """Read one object."""
    given = encoded(client, f"{resource}/{{id}}/", params)
    return answered(client, v1_client.single(resource, key_of(resource, pk), params=given))


def body_of(data: object) -> Row:
    """Take a body that is an object, or refuse it before anything is sent."""
    if not isinstance(data, Mapping):
        raise QueryError(f"data must be a mapping, got {describe(data)}; nothing was sent")
    return dict(data)


def named(client: BackendClient, what: str, data: object, *, known: tuple[str, ...]) -> Row:
    """Take a body that is an object; a strict client refuses keys that the backend would ignore."""
    body = body_of(data)
    for name in body:
        check_name(what, name, known=known if client.strict else None, kind="key")
    return body


def written(client: BackendClient, resource: str, data: object) -> Row:
    """Take a body of a kind of rows, checked by its keys."""
    schema = entity_named(v1_client.WRITES[resource].entity)._schema
    return named(
        client, v1_client.create(resource, None).path, data, known=v1_client.writable(resource, schema)
    )


def all_written(client: BackendClient, resource: str, data: object) -> Row | list[Row]:
    """Take one body of a kind of rows, or several."""
    if isinstance(data, Mapping):
        return written(client, resource, data)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise QueryError(f"data must be a mapping or a list of them, got {describe(data)}; nothing was sent")
    return [written(client, resource, each) for each in data]


def set_values(body: Row) -> Row:
    """Leave out `None` values, which mean 'not given' to this client."""
    return {name: value for name, value in body.items() if value is not None}
