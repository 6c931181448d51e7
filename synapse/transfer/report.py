"""What became of the items of an upload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args, overload

import attrs

from synapse.dialects.masking import mask_body

Status: TypeAlias = Literal["created", "reused", "failed", "unknown"]

_SHOWN: Final = 5


@attrs.frozen
class Outcome:
    """What became of one item.

    `created` and `reused` have a `unit`; `failed` has the `error` that it ended with; of `unknown` the backend may
    have made a unit, but its answer never came.
    """

    item: Any = attrs.field(repr=lambda item: repr(mask_body(item)))
    status: Status
    unit: Any = None
    error: Exception | None = None


class Report(Sequence[Outcome]):
    """The outcomes of an upload in the order of its items, and the number of file bytes that were sent."""

    def __init__(self, outcomes: Sequence[Outcome], *, bytes_sent: int = 0) -> None:
        self._outcomes = list(outcomes)
        self.bytes_sent = bytes_sent

    @property
    def created(self) -> list[Outcome]:
        """The items that got a new unit."""
        return self._with("created")

    @property
    def reused(self) -> list[Outcome]:
        """The items whose unit was there already."""
        return self._with("reused")

    @property
    def failed(self) -> list[Outcome]:
        """The items that got no unit, each with its error."""
        return self._with("failed")

    @property
    def unknown(self) -> list[Outcome]:
        """The items that may or may not have got a unit."""
        return self._with("unknown")

    def _with(self, status: Status) -> list[Outcome]:
        return [outcome for outcome in self._outcomes if outcome.status == status]

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome]: ...
    def __getitem__(self, index: int | slice) -> Outcome | list[Outcome]:
        return self._outcomes[index]

    def __len__(self) -> int:
        return len(self._outcomes)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes)

    def __repr__(self) -> str:
        return f"<Report of {len(self)} items, {len(self.failed) + len(self.unknown)} not done or not known to be>"

    def __str__(self) -> str:
        counts = {name: len(self._with(name)) for name in get_args(Status)}
        lines = [f"{name:<8}{count:>12,}" for name, count in counts.items()]
        lines.append(f"{'sent':<8}{self.bytes_sent:>12,} bytes")
        bad = [*self.failed, *self.unknown]
        lines += [f"{outcome.status}: {mask_body(outcome.item)}: {outcome.error}" for outcome in bad[:_SHOWN]]
        if len(bad) > _SHOWN:
            lines.append(f"… and {len(bad) - _SHOWN} more")
        return "\n".join(lines)
