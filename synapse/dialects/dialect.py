"""What an API generation has to answer: the protocols that everything above works with, and their values.

A `Dialect` is one API generation, a `Table` one entity in it. Both are pure: they make requests and read replies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import attrs

from synapse.dialects.json_rows import ClosedPages
from synapse.dialects.uploads import Uploads
from synapse.dialects.wire import Body, Reply, Request
from synapse.errors import UnsupportedError
from synapse.mapping.schema import Schema
from synapse.masking import mask_body
from synapse.query import Catalog, Query
from synapse.query.lookups import Lookup
from synapse.showing import bounded

if TYPE_CHECKING:
    pass

Place: TypeAlias = int | str
"""Where a page is: its number, from 1 on, or an opaque token; the empty token is the first page of a chain."""


@attrs.frozen
class Credentials:
    """Who asks: any of these may be missing."""

    api_token: str | None = attrs.field(default=None, repr=False)
    agent_token: str | None = attrs.field(default=None, repr=False)
    user_token: str | None = attrs.field(default=None, repr=False)
    tenant: str | None = None


@bounded
@attrs.frozen(repr=False)
class Found:
    """One page of a list: its rows, the total where the API counts, and the place of the next page where there is one.

    `link` is the address by which the backend named the next page, if it did so: the session checks its origin.
    """

    rows: list[Any] = attrs.field(repr=lambda rows: repr(mask_body(rows)))
    count: int | None = None
    next: Place | None = attrs.field(default=None, repr=lambda place: repr(mask_body(place)))
    link: str | None = attrs.field(default=None, repr=lambda link: repr(mask_body(link)))


@attrs.frozen(kw_only=True)
class Traits:
    """What one entity can do, above all its lists.

    `numbers` and `cursors` say how their pages are named, `counts` that they tell how many rows there are.
    `largest_page` is the most rows that one page holds, where that is known. `paging` are the raw parameters that
    choose a page, each with what to do instead of giving it. `reuses` says of creations that one of the same content is
    answered by the row that is there. `most_keys` is how many keys `by_keys()` takes.
    """

    counts: bool = True
    numbers: bool = True
    cursors: bool = False
    largest_page: int | None = None
    paging: Mapping[str, str] = attrs.field(factory=dict)
    reuses: bool = False
    most_keys: int = 100


@bounded
@attrs.frozen(repr=False)
class Refusal:
    """What a refusal says: one line of words, messages by field, a code and the request's id where it has them."""

    words: str
    errors: dict[str, list[str]] = attrs.field(factory=dict)
    request_id: str | None = None
    code: str | None = None


class Table(Protocol):
    """One entity in one API generation. A row is what its answers hold: only the table looks into it."""

    def __hash__(self) -> int:
        """Tables are known by themselves: what is laid out for one is kept."""
        ...

    @property
    def schema(self) -> Schema:
        """The fields and relations of the entity."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The lookups and orders that the entity declares."""
        ...

    @property
    def api(self) -> str:
        """The name of the API generation."""
        ...

    @property
    def traits(self) -> Traits:
        """What the entity can do, above all its lists."""
        ...

    # --- what can be asked ----------------------------------------------------
    def accepts(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether lists can be filtered so: the entity declares it, and this API supports it."""
        ...

    @property
    def orders(self) -> tuple[str, ...]:
        """The fields that lists can be ordered by, the usual one first."""
        ...

    @property
    def newest_first(self) -> str:
        """The field by which lists come in falling order anyway, where they can be ordered by nothing; else empty."""
        ...

    @property
    def expandable(self) -> tuple[str, ...]:
        """The relations that rows can nest."""
        ...

    @property
    def has_single(self) -> bool:
        """Whether single objects can be read."""
        ...

    def lists_alone(self, field: str) -> bool:
        """Whether `by_keys()` gives hardly more than the key and this field."""
        ...

    def overridden(self, query: Query, *lookups: type[Lookup]) -> bool:
        """Whether the raw parameters of a query choose its order, or keys by one of these lookups."""
        ...

    def fits(self, query: Query) -> bool:
        """Whether the filters of a query fit into one URL."""
        ...

    # --- reading --------------------------------------------------------------
    def select(self, query: Query, *, at: Place | None = None, size: int) -> Request:
        """Ask for one page of a list; without a place, for the first one in whichever way pages are named."""
        ...

    def found(self, reply: Reply, request: Request) -> Found:
        """Read the answer to `select()`; one of another shape is a `TransportError`."""
        ...

    @property
    def below(self) -> str | None:
        """The field with the key of another object, where an object is addressed below that one."""
        ...

    def detail(
        self, pk: object, *, expand: Sequence[str] = (), field: str = "", below: object = None
    ) -> Request:
        """Ask for one object, of which its field `below` is known; with *field*, for one that carries this field."""
        ...

    def one(self, reply: Reply) -> Any:
        """Read the answer about one object: its row, or whatever came in its place."""
        ...

    def by_keys(self, keys: Sequence[object], field: str) -> Request | None:
        """Ask for a field of up to `most_keys` objects, in rows for `found()`; None where no one request has it.

        Without a field, for whatever one request has of many objects. What does not exist is left out of the answer.
        """
        ...

    def stored(self, pk: object, field: str) -> Request | None:
        """Ask where the content of a field is that rows leave out as too large; None where they never do."""
        ...

    def address(self, reply: Reply, field: str) -> str | None:
        """Read the signed address of the content, which is JSON, off the answer to `stored()`."""
        ...

    # --- rows -----------------------------------------------------------------
    def key(self, row: Any) -> Any:
        """Read the key of a row; None where it has none."""
        ...

    def keys(self, rows: Sequence[Any]) -> list[Any]:
        """Read the keys of many rows."""
        ...

    def value(self, row: Any, field: str) -> Any:
        """Read one field of a row as it came; `UNSET` where the row doesn't carry it."""
        ...

    def columns(self, rows: Sequence[Any], *, copied: bool = True) -> Mapping[str, Sequence[Any]] | None:
        """Give the values of rows with the same keys by those, what `pages` left unparsed as texts; or None.

        Texts that are not *copied* are any buffers; rows that were parsed give None then.
        """
        ...

    @property
    def pages(self) -> ClosedPages | None:
        """Decodes answers to `select()` without parsing what is JSON inside of rows, where that is possible."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """The key in a row of each field."""
        ...

    @property
    def pk(self) -> str:
        """The key in a row of the primary key."""
        ...

    @property
    def listed(self) -> Collection[str]:
        """The fields that rows of lists carry, as far as the API says which."""
        ...

    def shows(self, field: str) -> bool:
        """Whether rows of some kind carry a field."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether rows need `normalise()` only where a value or a key is not as declared."""
        ...

    def normalise(self, row: Any) -> dict[str, Any]:
        """Bring the shapes that one field can have to one; what is no row at all stands under an empty name."""
        ...

    def is_elsewhere(self, value: Any) -> bool:
        """Whether the value of a field, as it came, only tells where its content is."""
        ...

    # --- writing --------------------------------------------------------------
    def create(self, values: Mapping[str, Any]) -> Request:
        """Create one object."""
        ...

    def create_many(self, many: Sequence[Mapping[str, Any]]) -> Request | None:
        """Create several objects by one request, where the API has that."""
        ...

    def created(self, reply: Reply) -> Any:
        """Read the answer to a creation: the row, or the rows in the order that they were sent in."""
        ...

    def change(self, pk: object, *, values: Mapping[str, Any], below: object = None) -> Request:
        """Send what changed."""
        ...

    def delete(self, pk: object, *, below: object = None) -> Request:
        """Delete one object."""
        ...

    def trial(self, write: Request) -> Request | None:
        """Ask whether a creation, change or deletion would be taken, without doing it; None where the API can't."""
        ...

    def check_trial(self, reply: Reply) -> None:
        """Raise `WriteUnconfirmedError` where the answer to a trial does not say that it was one."""
        ...


def no_such_table(schema: Schema, *, asked: str, home: str) -> UnsupportedError:
    """Say that an entity is not in the API generation that was *asked*, but in its *home* alone."""
    return UnsupportedError(
        f'{schema.entity} exists on API {home} only, and this goes by {asked}: Session(api="auto") takes it '
        "there, without via(). Nothing was sent"
    )


class Actions(Protocol):
    """The requests that are no plain create, read, update or delete."""

    def annotate(self, task: int, data: Mapping[str, Any], *, submit: bool, schema: str | None) -> Request:
        """Set a task's annotation."""
        ...

    def annotated(self, reply: Reply, task: int) -> Any:
        """Read the answer to that: a row of the task."""
        ...

    def set_tags(
        self,
        resource: str,
        ids: Sequence[int],
        *,
        tags: Sequence[int],
        action: Literal["add", "remove"],
    ) -> Request:
        """Put tags on rows, or take them off."""
        ...

    def run(self, plugin: int | str, body: Mapping[str, Any]) -> Request:
        """Run an action of a plugin."""
        ...

    def release(self, body: Body) -> Request:
        """Publish a plugin release with its archive."""
        ...

    def stop(self, job: str) -> Request:
        """Stop a job; the answer is its row, or nothing."""
        ...

    def export(self, body: Mapping[str, Any]) -> Request:
        """Have rows exported into a storage by an asynchronous job, which the answer names by `job_id`."""
        ...

    def cancel(self, async_job: str) -> Request:
        """Cancel an asynchronous job."""
        ...

    def follow(self, async_job: str) -> Request:
        """Follow the progress of an asynchronous job, as named server-sent events."""
        ...

    def console_logs(self, job: str) -> Request:
        """Ask for the lines that a job has printed."""
        ...

    def printed(self, reply: Reply) -> Any:
        """Read those lines, or whatever came in their place."""
        ...

    def tail(self, job: str) -> Request:
        """Follow the lines that a job prints, as server-sent events."""
        ...

    def connect(self, agent_token: str) -> Request:
        """Ask whether the agent with this token is connected."""
        ...

    def storage_session(self, storage: int, purpose: Literal["read", "write"]) -> Request:
        """Ask for what it takes to reach a storage, for as long as the answer says."""
        ...

    def me(self) -> Request:
        """Ask whom the token belongs to."""
        ...

    def create_units(self, units: Sequence[Mapping[str, Any]]) -> Request:
        """Create data units; one of the same files is answered by the one there is."""
        ...

    def units_created(self, reply: Reply) -> Any:
        """Read the answer to that: their rows, in the order that they were sent in."""
        ...

    def create_tasks(self, project: int, units: Sequence[int]) -> Request:
        """Create a task in a project for each of these data units, of which a second one is refused or left out."""
        ...

    def tasks_created(self, reply: Reply) -> Any:
        """Read the answer to that: their rows, in the order that they were sent in; None where it only counts them."""
        ...


@runtime_checkable
class Dialect(Protocol):
    """One API generation; a value, equal to every other one of the same settings."""

    name: ClassVar[str]

    @property
    def actions(self) -> Actions:
        """The requests of the verbs."""
        ...

    @property
    def uploads(self) -> Uploads:
        """The requests that send files."""
        ...

    def table(self, schema: Schema, catalog: Catalog) -> Table:
        """Give one entity in this generation, the same table each time."""
        ...

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the headers that say who asks."""
        ...

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal, whose *body* is parsed JSON without secrets, or else text."""
        ...

    def is_own(self, body: Any) -> bool:
        """Whether the parsed body of a refusal is in the API's own words, and not those of what stands before it."""
        ...

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds, without its envelope."""
        ...
