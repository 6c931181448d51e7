"""Rows, values, reports, plans and traces as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import MappingError, hidden
from synapse.interop.notebook.markup import cell, cut, fields, more, table, text, title, view
from synapse.interop.notebook.workers import Workers
from synapse.masking import HIDDEN
from synapse.orm import BulkResult, Explanation, QuerySet, Values
from synapse.orm.queryset import first_rows
from synapse.orm.record import Record, has, schema_of
from synapse.orm.values import columns_of
from synapse.session import Trace
from synapse.uploads.report import ItemOutcome, Report

if TYPE_CHECKING:
    from synapse.interop.formats.report import AnnotationReport, ReportEntry

SHOWN: Final = 20
MORE: Final = "more rows follow"
_MOST: Final = 100


def shown_fields(row: Record) -> dict[str, str]:
    """Show the fields of a row that are here; nothing is loaded."""
    schema = schema_of(type(row))
    return {
        name: _field(row, name, secret=field.secret)
        for name, field in schema.fields.items()
        if has(row, name)
    }


def _field(row: Record, name: str, *, secret: bool) -> str:
    if secret:
        return HIDDEN
    try:
        return cell(getattr(row, name))
    except MappingError:
        return '<span class="none">unreadable</span>'


def queryset_html(queryset: QuerySet[Any]) -> str:
    """Show the first rows of a query."""
    return view(queryset, rows_table)


def rows_table(queryset: QuerySet[Any], threads: Workers) -> str:
    """Fetch the first rows by one request, and make a table of the fields that came with them."""
    asked = first_rows(queryset, SHOWN + 1)
    rows: list[Any] = threads.call(list, asked)
    lines = [shown_fields(row) for row in rows[:SHOWN]]
    names = list(dict.fromkeys(name for line in lines for name in line))
    return _listed(
        queryset.entity.__name__, names, [[line.get(name, "") for name in names] for line in lines], rows
    )


def values_html(values: Values[Any]) -> str:
    """Show the first of many values."""
    return view(values, _values_table)


def _values_table(values: Values[Any], threads: Workers) -> str:
    rows: list[Any] = threads.call(list, values[: SHOWN + 1])
    names, lines = columns_of(values, rows[:SHOWN])
    return _listed("values", names, [list(map(cell, line)) for line in lines], rows)


def _listed(what: str, names: Sequence[str], lines: list[list[str]], rows: list[Any]) -> str:
    if not rows:
        return f"{title(what)}{more('no rows')}"
    return title(what) + table(names, lines) + (more(MORE) if len(rows) > SHOWN else "")


def report_html(report: Report) -> str:
    """Show how many items ended in which way, and those that failed."""
    return view(report, _report)


def _report(report: Report, _: Workers) -> str:
    counts = Counter(outcome.status for outcome in report)
    size = report.bytes_planned if report.planned else report.bytes_sent
    told = [(status, f"{count:,}") for status, count in counts.items()]
    bad = [*report.failed, *report.unknown]
    parts = [title(f"Report of {len(report):,} items"), fields([*told, ("bytes", f"{size:,}")])]
    if bad:
        parts.append(table(("item", "status", "error"), map(_outcome, bad[:SHOWN])))
        parts.append(more(f"{len(bad) - SHOWN:,} more") if len(bad) > SHOWN else "")
    return "".join(parts)


def _outcome(outcome: ItemOutcome) -> list[str]:
    return [cell(outcome.item), cell(outcome.status), text(cut(hidden(str(outcome.error)), most=500))]


def annotation_report_html(report: AnnotationReport) -> str:
    """Show how many annotations of each class went, and what didn't go as it is."""
    return view(report, _annotation_report)


def _annotation_report(report: AnnotationReport, _: Workers) -> str:
    counts = {"tasks": report.tasks, "written": report.written, **report.counts}
    parts = [title(report.title), fields((name, f"{count:,}") for name, count in counts.items())]
    if report.classes:
        classes = report.classes.most_common(SHOWN)
        parts.append(table(("class", "written"), [[cell(name), f"{count:,}"] for name, count in classes]))
    bad = [(outcome, each) for outcome in ("failed", "skipped", "lossy") for each in getattr(report, outcome)]
    if bad:
        parts.append(
            table(("", "where", "reason"), [[text(name), *_entry(each)] for name, each in bad[:SHOWN]])
        )
    rest = sum(report.counts.values()) - min(len(bad), SHOWN)
    return "".join(parts) + (more(f"{rest:,} more") if rest else "")


def _entry(entry: ReportEntry) -> list[str]:
    return [text(cut(hidden(entry.place))), text(cut(hidden(entry.reason), most=500))]


def bulk_result_html(result: BulkResult) -> str:
    """Show what a bulk write did to each row."""
    return view(result, _bulk_result)


def _bulk_result(result: BulkResult, _: Workers) -> str:
    rows = [[cell(each.pk), cell(each.before), cell(each.after)] for each in result.changes[:SHOWN]]
    parts = [title(result), table(("key", "before", "after"), rows) if rows else ""]
    parts.append(more(f"{len(result) - SHOWN:,} more") if len(result) > SHOWN else "")
    return "".join(parts)


def explanation_html(explanation: Explanation) -> str:
    """Show the requests of a query, which is not asked."""
    return view(explanation, _explanation)


def _explanation(explanation: Explanation, _: Workers) -> str:
    rows = [
        [text(each.method), f"<code>{_address(each.shown)}</code>"] for each in explanation.requests[:_MOST]
    ]
    parts = [title(f"plan {explanation.plan}: {explanation.host or 'no session'}, API {explanation.api}")]
    parts += [table(("method", "request"), rows)] if rows else []
    parts += [more(explanation.more)] if explanation.more else []
    return "".join(parts)


def _address(words: str) -> str:
    return text(cut(hidden(words), most=500))


def trace_html(trace: Trace) -> str:
    """Show the calls of a trace."""
    return view(trace, _trace)


def _trace(trace: Trace, _: Workers) -> str:
    calls = list(trace)
    if not calls:
        return title("no calls")
    rows = [
        [
            text(each.method),
            f"<code>{_address(each.path or each.url)}</code>",
            text(each.error or each.status),
        ]
        + [
            f"{each.ms:.1f}",
            f"{each.sent:,}",
            f"{each.received:,}",
            "" if each.body is None else cell(each.body),
        ]
        for each in calls[:_MOST]
    ]
    rest = more(f"{len(calls) - _MOST:,} more") if len(calls) > _MOST else ""
    head = ("method", "path", "status", "ms", "sent", "received", "body")
    return title(f"{len(calls):,} calls, {sum(each.ms for each in calls):,.0f} ms") + table(head, rows) + rest
