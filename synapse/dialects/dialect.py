"""What an API generation has to answer: the protocols that everything above works with, and their values.

A `Dialect` is one API generation, a `Table` one entity in it. Both are pure: they make requests and read replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import attrs

from synapse.dialects.uploads import Uploads
from synapse.dialects.wire import Body, Reply, Request
from synapse.masking import mask_body
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
@attrs.frozen
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
    """What lists of one entity can do.

    `numbers` and `cursors` say how their pages are named, `counts` that they tell how many rows there are.
    `largest_page` is the most rows that one page holds, where that is known. `paging` are the raw parameters that
    choose a page, each with what to do instead of giving it.
    """

    counts: bool = True
    numbers: bool = True
    cursors: bool = False
    largest_page: int | None = None
    paging: Mapping[str, str] = attrs.field(factory=dict)


@bounded
@attrs.frozen
class Refusal:
    """What a refusal says: one line of words, messages by field, a code and the request's id where it has them."""

    words: str
    errors: dict[str, list[str]] = attrs.field(factory=dict)
    request_id: str | None = None
    code: str | None = None


class Actions(Protocol):
    """The requests that are no plain create, read, update or delete."""

    def annotate(self, task: int, data: Mapping[str, Any], *, submit: bool, schema: str | None) -> Request:
        """Set a task's annotation."""
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

    def console_logs(self, job: str) -> Request:
        """Read the lines that a job has printed."""
        ...

    def tail(self, job: str) -> Request:
        """Follow the lines that a job prints, as server-sent events."""
        ...

    def connect(self, agent_token: str) -> Request:
        """Ask whether the agent with this token is connected."""
        ...

    def me(self) -> Request:
        """Ask whom the token belongs to."""
        ...

    def create_units(self, units: Sequence[Mapping[str, Any]]) -> Request:
        """Create data units; one of the same files is answered by the one there is."""
        ...

    def create_tasks(self, project: int, units: Sequence[int]) -> Request:
        """Create a task in a project for each of these data units, of which a second one is refused."""
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

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the headers that say who asks."""
        ...

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal, whose *body* is parsed JSON without secrets, or else text."""
        ...

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds, without its envelope."""
        ...
