"""What type checkers must say of the errors; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

from synapse.errors import (
    BulkError,
    ClientError,
    Conflict,
    ConflictError,
    RateLimitError,
    Resolution,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)


def a_refusal_has_its_status_and_field_messages(error: ValidationError) -> None:
    """Every refusal carries the status, and the messages by field."""
    refused: ClientError = error

    assert_type(refused.status_code, int)
    assert_type(refused.errors, dict[str, list[str]])
    assert_type(refused.request_id, str | None)


def a_rate_limit_says_how_long_to_wait(error: RateLimitError) -> None:
    """The seconds may be unknown."""
    assert_type(error.retry_after, float | None)


def a_broken_transport_may_have_no_status(error: TransportError) -> None:
    """Where no answer came there is no status."""
    assert_type(error.status_code, int | None)


def a_bulk_error_pairs_each_failed_row_with_its_error(error: BulkError) -> None:
    """The failed rows keep the reason."""
    for _row, reason in error.failed:
        assert_type(reason, Exception)


def an_unconfirmed_write_is_resolved(error: WriteUnconfirmedError) -> None:
    """The resolution is a value with three outcomes."""
    assert_type(error.resolve(wait=2), Resolution)
    assert_type(error.resolve().done, bool)


def a_conflict_has_each_field(error: ConflictError) -> None:
    """With the three values of each."""
    assert_type(error.conflicts, Mapping[str, Conflict])
