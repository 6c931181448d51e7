"""What became of annotations on their way into a format or out of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.annotations import Annotation
from synapse.interop.formats.problems import Problem
from synapse.optional import optional
from synapse.showing import bounded, printable, shortened

Outcome: TypeAlias = Literal["lossy", "skipped", "failed"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("lossy", "skipped", "failed")
LISTED: Final = 10_000
"""So many entries of an outcome are kept; all of them are counted."""
_SHOWN: Final = 5
_LINE: Final = 300


@bounded
@attrs.frozen
class ReportEntry:
    """What did not go as it is: the `task` by its key, the annotation, the reason, and where in a file it stands."""

    task: Any
    reason: str
    annotation: Annotation | None = None
    path: str = ""

    @property
    def place(self) -> str:
        """What it is about: the task, the place in a file, the annotation."""
        where = [f"task {self.task}"] if self.task is not None else []
        where += [self.path] if self.path else []
        if self.annotation is not None:
            where.append(
                f"{type(self.annotation).__name__} {self.annotation.class_name or self.annotation.id!r}"
            )
        return ", ".join(where)

    def __str__(self) -> str:
        return shortened(printable(f"{self.place}: {self.reason}"), most=_LINE)


@attrs.define(repr=False)
class AnnotationReport:
    """What an export wrote, or what was read of files and sent.

    `written` counts annotations, of which `lossy` ones are a part; `skipped` are annotations and tasks that the format
    has no place for, `failed` what can't be read or fetched. Of each outcome the first 10,000 entries are kept;
    `counts` has all.
    """

    title: str
    folder: Path | None = None
    tasks: int = 0
    written: int = 0
    lossy: list[ReportEntry] = attrs.field(factory=list)
    skipped: list[ReportEntry] = attrs.field(factory=list)
    failed: list[ReportEntry] = attrs.field(factory=list)
    counts: Counter[str] = attrs.field(factory=Counter)
    classes: Counter[str] = attrs.field(factory=Counter)

    def add(self, outcome: Outcome, entry: ReportEntry) -> None:
        """Count an entry, and keep it while there are few."""
        self.counts[outcome] += 1
        kept: list[ReportEntry] = getattr(self, outcome)
        if len(kept) < LISTED:
            kept.append(entry)

    def add_task(self, task: Any, values: Iterable[Annotation], *, problems: Iterable[Problem]) -> None:
        """Count what was written of a task."""
        left_out = set()
        for problem in problems:
            if problem.outcome == "skipped" and problem.annotation is not None:
                left_out.add(id(problem.annotation))
            self.add(problem.outcome, ReportEntry(task, problem.reason, problem.annotation, problem.path))
        written = [each for each in values if id(each) not in left_out] if left_out else list(values)
        self.tasks += 1
        self.written += len(written)
        self.classes.update(each.class_name for each in written if each.class_name)

    @property
    def is_complete(self) -> bool:
        """Whether everything went as it is."""
        return not any(self.counts.values())

    def first_problem(self) -> ReportEntry | None:
        """Give the entry to name first."""
        return next((each for outcome in reversed(OUTCOMES) for each in getattr(self, outcome)), None)

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.counts[each]:,} {each}" for each in OUTCOMES)
        return f"<AnnotationReport {self.title}: {self.written:,} written, {counts}>"

    def __str__(self) -> str:
        rows = [("tasks", self.tasks), ("written", self.written)]
        rows += [(each, self.counts[each]) for each in OUTCOMES]
        lines = [self.title, *(f"{name:<8}{count:>12,}" for name, count in rows)]
        lines += [f"  {shortened(name, most=60)}: {count:,}" for name, count in self.classes.most_common(20)]
        for outcome in reversed(OUTCOMES):
            entries: list[ReportEntry] = getattr(self, outcome)
            lines += [f"{outcome}: {each}" for each in entries[:_SHOWN]]
            if (more := self.counts[outcome] - _SHOWN) > 0:
                lines.append(f"… and {more:,} more {outcome}")
        return "\n".join(printable(line) for line in lines)
