"""Make units, and tasks for them, of items whose files have arrived."""

from __future__ import annotations

import contextlib
import math

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from synapse.errors import SynapseError, ValidationError, WriteUnconfirmedError, may_have_happened
from synapse.session import Outcome, Run, Untried, create_each
from synapse.session.bulk_writes import is_sifted
from synapse.uploads.report import OutcomeTable, Status

Body: TypeAlias = dict[str, Any]
Creator: TypeAlias = Callable[[list[Any]], Any]

_MOST_TEXTS: Final = 100


@attrs.define
class UnitResult:
    """What became of one item whose files had arrived; a `status` of None is that of one that was not tried."""

    status: Status | None
    unit: int | None = None
    task: int | None = None
    error: Exception | None = None
    has_no_task: bool = False
    """Whether the backend says that no task can be made of the unit."""


@attrs.define
class UnitCreator:
    """Makes the units of one batch after another, and tells the new ones from those that were there.

    The backend answers a unit of the same files that the collection has already in place of a new one. Its keys only
    grow, so a unit whose key is not above the highest one before its batch was there. That key is asked for by *newest*
    only for units of which every file was known: a unit of another file is new, or one of this run.

    With *raising*, nothing is created behind the first unit, or task, that fails.
    """

    create: Creator
    run: Run[Any]
    newest: Callable[[], int] | None = None
    create_tasks: Creator | None = None
    raising: bool = False
    highest: int = -1
    refused: dict[int, Exception] = attrs.field(factory=dict)
    """Units whose task was refused, most likely as one that is there, with the words for it."""
    _errors_by_text: dict[str, Exception] = attrs.field(factory=dict, init=False)
    _ended: Exception | None = attrs.field(default=None, init=False)

    def create_units(self, bodies: Sequence[Body], *, known: Sequence[bool]) -> list[UnitResult]:
        """Create units, and a task for each; *known* says of each whether all of its files were there before."""
        # Asked before the batch is created: after it, nothing tells a new unit from one that was there.
        before, ours = self._before() if any(known) else 0, self.highest
        seen = set[int]()
        results = self._created(list(bodies))
        made = [
            _result_of(result, before=before if old else ours, seen=seen)
            for result, old in zip(results, known, strict=True)
        ]
        self.highest = max({self.highest, *seen})
        if self.create_tasks is not None and seen:
            self._add_tasks(made, self._creator(self.create_tasks))
        return made

    def _created(self, bodies: list[Body]) -> list[Outcome[Body, Any]]:
        """Create units, but of the same files one: another that comes later may say other things of it."""
        firsts: dict[Any, int] = {}
        for index, body in enumerate(bodies):
            firsts.setdefault(_composition(body), index)
        found = self._create_at(list(firsts.values()), bodies)
        shared = [found[firsts[_composition(body)]] for body in bodies]
        # What is wrong with the first may be what it says beside its files.
        again = [
            index
            for index, result in enumerate(shared)
            if index not in found and isinstance(result.error, ValidationError)
        ]
        if self.raising:
            # One of the same files failed before them: that ends the run.
            found |= dict.fromkeys(again, Outcome({}, None, Untried("an item before it failed")))
        else:
            found |= self._create_at(again, bodies)
        return [found.get(index, result) for index, result in enumerate(shared)]

    def _create_at(self, indexes: list[int], bodies: list[Body]) -> dict[int, Outcome[Body, Any]]:
        results = create_each(
            self._creator(self.create),
            [bodies[index] for index in indexes],
            ends=lambda body, error: self.raising,
        )
        return dict(zip(indexes, results, strict=True))

    def _before(self) -> float:
        if self.newest is not None:
            try:
                self.highest, self.newest = max(self.highest, self.newest()), None
            except SynapseError:
                # What is all there was most likely in a unit as well; the next batch asks again.
                return math.inf
        return self.highest

    # A second task of one unit is refused as a whole, and so is one for other reasons; the wire has no code for either.
    # So refusals are collected, and looked up among the project's tasks once, at the end of the run.
    def _add_tasks(self, made: Sequence[UnitResult], create: Creator) -> None:
        # Items of one unit, within a batch, share its task.
        keys = list(dict.fromkeys(each.unit for each in made if each.unit is not None))
        has_no_task = {each.unit for each in made if each.has_no_task}

        def fails(key: int, error: Exception) -> bool:
            return key in has_no_task or not _says_taken(error)

        results: dict[int | None, Outcome[Any, Any]] = {
            result.item: result
            for result in create_each(
                create, keys, ends=lambda key, error: self.raising and fails(key, error)
            )
        }
        for each in made:
            if each.unit is not None:
                self._add_task(each, results[each.unit], failing=fails)

    def _add_task(
        self, made: UnitResult, result: Outcome[int, Any], *, failing: Callable[[int, Exception], bool]
    ) -> None:
        if result.error is None:
            made.task = _key_of(result.result)
        elif failing(result.item, result.error):
            lost = _failure(result.error)
            made.status, made.error = lost.status, lost.error
        else:
            self.refused[result.item] = self._shared_error(result.error)

    def _shared_error(self, error: Exception) -> Exception:
        """Give an error of the same words, of which few are kept."""
        if len(self._errors_by_text) < _MOST_TEXTS:
            self._errors_by_text.setdefault(str(error), error)
        return self._errors_by_text.get(str(error)) or next(iter(self._errors_by_text.values()))

    def _creator(self, create: Creator) -> Creator:
        def created(items: list[Any]) -> Any:
            """Create even once the run is stopped, since the files have arrived, until that fails as well."""
            # Without it, each batch that is left would run into the same refused token or dead line.
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


def find_existing_tasks(
    units: UnitCreator, table: OutcomeTable, *, tasks: Callable[[], Iterable[tuple[int, int]]]
) -> None:
    """Find the tasks that were refused among all *tasks* of the project, given as keys of units and of tasks.

    A backend says by nothing but words why it refuses a task. Where there is none, it meant something else, and the
    item failed.
    """
    found: dict[int, int] = {}
    complete = False
    with contextlib.suppress(SynapseError):  # then what was said of the others stands
        for unit, task in tasks() if units.refused else ():
            if unit in units.refused:
                found[unit] = task
            if len(found) == len(units.refused):
                break
        complete = True
    for index in list(table.indexes("created", "reused")) if units.refused else ():
        unit = table.units[index]
        if unit in found:
            table.tasks[index] = found[unit]
        elif complete and unit in units.refused:
            table.record(index, "failed", unit=unit, error=units.refused[unit])


def _composition(body: Body) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, file["checksum"]) for name, file in body["files"].items()))


def _failure(error: Exception) -> UnitResult:
    if isinstance(error, Untried):
        return UnitResult(None, error=error)
    return UnitResult("unknown" if may_have_happened(error) else "failed", error=error)


def _result_of(result: Outcome[Body, Any], *, before: float, seen: set[int]) -> UnitResult:
    if result.error is not None:
        return _failure(result.error)
    row: Any = result.result
    key = _key_of(row)
    if key is None:
        return _failure(
            WriteUnconfirmedError("the unit was created, but the answer does not say which one it is")
        )
    reused = key <= before or key in seen
    seen.add(key)
    has_no_task = row.get("can_generate_task") is False
    return UnitResult("reused" if reused else "created", key, has_no_task=has_no_task)


def _key_of(row: Any) -> int | None:
    key = row.get("id") if isinstance(row, Mapping) else None
    return key if type(key) is int else None


def _says_taken(error: Exception) -> bool:
    """Whether a row was refused as a whole, not for one of its fields."""
    fields = (
        {name.rpartition(".")[2] for name in error.errors} if isinstance(error, ValidationError) else None
    )
    return fields == {"non_field_errors"}
