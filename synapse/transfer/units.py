"""Make units, and tasks for them, of items whose files have arrived."""

from __future__ import annotations

import contextlib
import math

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from synapse.errors import SynapseError, ValidationError, WriteUnconfirmedError
from synapse.session import Outcome, Run, Untried, create_each
from synapse.session.batches import is_sifted
from synapse.transfer.report import Ledger, Status

Body: TypeAlias = dict[str, Any]
Creator: TypeAlias = Callable[[list[Any]], Any]


@attrs.define
class Made:
    """What became of one item whose files had arrived."""

    status: Status
    unit: int | None = None
    task: int | None = None
    error: Exception | None = None
    barred: bool = False
    """Whether the backend says that no task can be made of the unit."""


@attrs.define
class Units:
    """Makes the units of one batch after another, and tells the new ones from those that were there.

    The backend answers a unit of the same files that the collection has already in place of a new one. Its keys only
    grow, so a unit whose key is not above the highest one before its batch was there. That key is asked for by *newest*
    only for units of which every file was known: a unit of another file is new, or one of this run.
    """

    create: Creator
    run: Run[Any]
    newest: Callable[[], int] | None = None
    create_tasks: Creator | None = None
    highest: int = -1
    refused: set[int] = attrs.field(factory=set)
    """Units whose task was refused as one that is there."""
    refusal: Exception | None = None
    _ended: Exception | None = attrs.field(default=None, init=False)

    def make(self, bodies: Sequence[Body], *, known: Sequence[bool]) -> list[Made]:
        """Create units, and a task for each; *known* says of each whether all of its files were there before."""
        before, ours = self._before() if any(known) else 0, self.highest
        seen = set[int]()
        results = create_each(self._creator(self.create), list(bodies))
        made = [
            _made(result, before=before if old else ours, seen=seen)
            for result, old in zip(results, known, strict=True)
        ]
        self.highest = max({self.highest, *seen})
        if self.create_tasks is not None and seen:
            self._add_tasks(made, self._creator(self.create_tasks))
        return made

    def _before(self) -> float:
        if self.newest is not None:
            try:
                self.highest, self.newest = max(self.highest, self.newest()), None
            except SynapseError:
                # What is all there was most likely in a unit as well; the next batch asks again.
                return math.inf
        return self.highest

    def _add_tasks(self, made: Sequence[Made], create: Creator) -> None:
        keys = list(dict.fromkeys(each.unit for each in made if each.unit is not None))
        results: dict[int | None, Outcome[Any, Any]] = {
            result.item: result for result in create_each(create, keys)
        }
        for each in made:
            if each.unit is not None:
                self._add_task(each, results[each.unit])

    def _add_task(self, made: Made, result: Outcome[Any, Any]) -> None:
        if result.error is None:
            made.task = _key_of(result.result)
        elif made.unit is not None and not made.barred and _says_taken(result.error):
            self.refused.add(made.unit)
            self.refusal = self.refusal or result.error
        else:
            lost = _not_made(result.error)
            made.status, made.error = lost.status, lost.error

    def _creator(self, create: Creator) -> Creator:
        def created(items: list[Any]) -> Any:
            """Create even once the run is stopped, since the files have arrived, until that fails as well."""
            if self._ended is not None:
                raise self._ended
            try:
                with contextlib.suppress(Untried):
                    return self.run.attempt(create)(items)
                return create(items)
            except Exception as error:
                if self.run.stopped is not None and not is_sifted(error):
                    self._ended = error
                raise

        return created


def check_tasks(units: Units, ledger: Ledger, *, count: Callable[[], int]) -> None:
    """Believe refusals of tasks to mean that they are there, if the project has as many tasks as there are units.

    A backend says by nothing but words why it refuses a task. Where too few are there, it meant something else.
    """
    if units.refusal is None:
        return
    good = {ledger.units[place] for place in ledger.places("created", "reused")}
    try:
        enough = count() >= len(good)
    except SynapseError:
        return  # what was said of each stands
    if enough:
        return
    for place in list(ledger.places("created", "reused")):
        if ledger.units[place] in units.refused:
            ledger.note(place, "failed", unit=ledger.units[place], error=units.refusal)


def _not_made(error: Exception) -> Made:
    return Made("unknown" if isinstance(error, WriteUnconfirmedError) else "failed", error=error)


def _made(result: Outcome[Body, Any], *, before: float, seen: set[int]) -> Made:
    if result.error is not None:
        return _not_made(result.error)
    row: Any = result.result
    key = _key_of(row)
    if key is None:
        return _not_made(
            WriteUnconfirmedError("the unit was created, but the answer does not say which one it is")
        )
    reused = key <= before or key in seen
    seen.add(key)
    barred = row.get("can_generate_task") is False
    return Made("reused" if reused else "created", key, barred=barred)


def _key_of(row: Any) -> int | None:
    key = row.get("id") if isinstance(row, Mapping) else None
    return key if type(key) is int else None


def _says_taken(error: Exception) -> bool:
    """Whether a row was refused as a whole, not for one of its fields."""
    fields = (
        {name.rpartition(".")[2] for name in error.errors} if isinstance(error, ValidationError) else None
    )
    return fields == {"non_field_errors"}
