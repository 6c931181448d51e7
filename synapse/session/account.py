"""Who a token belongs to: `session.me`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from synapse.errors import FieldError, TransportError
from synapse.session.process import is_inspector
from synapse.showing import bounded, shortened

if TYPE_CHECKING:
    from synapse.dialects import Dialect, Reply, Request


@bounded
@attrs.frozen(kw_only=True)
class Account:
    """The user that a session's token belongs to; what a backend doesn't tell is None."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    tenant: str | None = None

    def __str__(self) -> str:
        return shortened(self.name or self.email or f"user {self.id}")


def account_of(dialect: Dialect, send: Callable[[Request], Reply]) -> Account:
    """Ask the backend who the token belongs to."""
    if is_inspector():
        raise FieldError("Session.me is not known yet, and is not asked for just to be shown", name="me")
    answer: Any = dialect.unwrap(send(dialect.actions.me()))
    if not isinstance(answer, dict):
        raise TransportError(
            f"asked for the user, the backend answered {type(answer).__name__}: is that a Synapse backend?"
        )
    return Account(**{each.name: answer.get(each.name) for each in attrs.fields(Account)})
