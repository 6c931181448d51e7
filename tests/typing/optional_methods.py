"""What type checkers must say of methods whose code lies elsewhere; mypy and pyright read this, nothing runs it."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

from synapse.optional import optional


class Table:
    """A class of a lower layer."""

    @optional
    def show(self, rows: int = 20, *, title: str | None = None) -> str:
        """Show the first rows."""
        raise NotImplementedError


def signatures_are_those_that_were_declared(table: Table) -> None:
    """Parameters and results are checked as those of any method."""
    assert_type(table.show(), str)
    assert_type(table.show(5, title="a"), str)
    table.show("5")  # type: ignore[arg-type]
    table.show(titel="a")  # type: ignore[call-arg]
