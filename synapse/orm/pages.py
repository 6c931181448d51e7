"""One page of a result after the other: what every walk shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.dialects import Page, Request
from synapse.errors import NotFoundError, TransportError

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

EMPTY_PAGES: Final = 3


@attrs.frozen
class Window:
    """Consecutive rows of a result; `first` is the place of the first one."""

    first: int
    rows: list[Any]


@attrs.frozen
class Passed:
    """The page that was read last: where it began among the pages of its request, and how large those are."""

    page: Page
    first: int
    size: int

    @property
    def ends(self) -> bool:
        """Whether the rows up to here are all that the backend had to give."""
        if self.page.count is not None:
            return self.first + len(self.page.rows) >= self.page.count
        return len(self.page.rows) < self.size


def fetch_page(request: Request, session: Session) -> Page:
    """Read one page, refusing a `next` link that leads to another host."""
    page = session.dialect.page(session.send(request), request)
    if page.next:
        session.check_link(page.next)
    return page


def page_after(before: Passed | None, request: Request, *, session: Session, number: int) -> Page | None:
    """Read the page after one that named it; None where there is nothing left."""
    try:
        return fetch_page(request, session)
    except NotFoundError as error:
        if before is None and number == 1:
            raise
        if before is None or before.ends:
            return None
        raise TransportError(
            f"{request.method} {request.target}: the page before named this one, which is not there; rows may have "
            "been deleted meanwhile. What came so far is not the whole result: read it again",
            method=request.method,
            url=request.target,
            status_code=404,
        ) from error


def check_empty(request: Request, empty: int) -> None:
    """Refuse pages without rows that go on naming a next one."""
    if empty > EMPTY_PAGES:
        raise TransportError(
            f"{request.method} {request.path}: {empty} empty pages in a row, each naming a next one"
        )


def key_of(cls: type[Entity], row: Any, *, session: Session) -> Any:
    """Read the key off a row as it came; None where it has none."""
    wire = session.dialect.pk(cls._schema)
    key = row.get(wire) if isinstance(row, dict) else None
    return key if isinstance(key, int | str) else None
