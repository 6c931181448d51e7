"""The verbs that move files: upload, download, export."""

from __future__ import annotations

import json
import sys

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synapse.cli import grammar, output
from synapse.cli.endings import DONE, FAILED, UNKNOWN
from synapse.cli.rows import matching, named

if TYPE_CHECKING:
    from synapse.entities import Session


def upload_folder(
    session: Session, *, folder: Path, collection: str, project: str | None, as_json: bool, **options: Any
) -> int:
    """Upload a folder, and print what became of each item."""
    from synapse.entities import DataCollection, Project

    target = named(DataCollection, collection, session=session)
    tasks_of = None if project is None else named(Project, project, session=session)
    given = {name: value for name, value in options.items() if value}
    report = target.upload(folder, project=tasks_of, progress=_bars(), **given)
    rows = (
        {
            "outcome": each.status,
            "path": _path(each.item),
            "unit": _key(each.unit),
            "error": _words(each.error),
        }
        for each in report
    )
    _print(rows, ("outcome", "path", "unit", "error"), summary=report, as_json=as_json)
    return UNKNOWN if report.unknown else FAILED if report.failed else DONE


def download_files(
    session: Session, *, entity: str, words: Sequence[str], as_json: bool, **options: Any
) -> int:
    """Download the files of every row that matches, and print what became of each."""
    download, folder = _taken(entity, words, session=session, verb="download", what="files")
    report = download(folder, progress=_bars(), **options)
    rows = (
        {"outcome": each.status, "path": str(each.path or ""), "key": each.key, "error": _words(each.error)}
        for each in report
    )
    _print(rows, ("outcome", "path", "key", "error"), summary=report, as_json=as_json)
    return FAILED if report.failed else DONE


def export_annotations(
    session: Session, *, entity: str, words: Sequence[str], as_json: bool, **options: Any
) -> int:
    """Export the annotations of every row that matches, and print what a format could not hold."""
    export, folder = _taken(entity, words, session=session, verb="export", what="annotations")
    report = export(folder, progress=_bars(), **options)
    rows = (
        {"outcome": outcome, "task": each.task, "path": each.path, "reason": each.reason}
        for outcome in ("failed", "skipped", "lossy")
        for each in getattr(report, outcome)
    )
    _print(rows, ("outcome", "task", "path", "reason"), summary=report, as_json=as_json)
    return FAILED if report.failed else DONE


def _taken(
    entity: str, words: Sequence[str], *, session: Session, verb: str, what: str
) -> tuple[Callable[..., Any], Path]:
    """Return the method of the query that was typed, and the folder that it is to write to."""
    _, cls = grammar.entity_of(entity)
    lookups, folder = _split(words, verb=verb)
    method = getattr(matching(cls, lookups, session=session, verb=verb), verb, None)
    if method is None:
        raise click.UsageError(f"{cls.__name__} has no {what} to {verb}")
    return method, folder


def _split(words: Sequence[str], *, verb: str) -> tuple[Sequence[str], Path]:
    """Take the last word as the folder to write to."""
    if not words:
        raise click.UsageError(f"{verb} needs a folder to write to, behind the name=value")
    folder = words[-1]
    name, is_pair, _ = folder.partition("=")
    # `download tasks project=1` forgot its folder, and would fetch every task there is.
    if is_pair and name.isidentifier():
        raise click.UsageError(
            f"{verb} needs a folder to write to, behind {folder}; nothing was sent."
            f" A folder of that name is ./{folder}"
        )
    return words[:-1], Path(folder).expanduser()


def _bars() -> bool:
    """Whether bars are drawn; they go to standard error."""
    return sys.stderr.isatty()


def _print(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, summary: object, as_json: bool
) -> None:
    if as_json or not output.is_terminal():
        output.rows(rows, columns, as_json=as_json)
        output.note(str(summary))
    else:
        output.say(str(summary))


def _path(item: Any) -> str:
    files = item.get("files") if isinstance(item, Mapping) else item
    paths = list(files.values()) if isinstance(files, Mapping) else [files]
    return ", ".join(map(str, paths))


def _key(found: Any) -> Any:
    return getattr(found, "pk", found)


def _words(error: Exception | None) -> str | None:
    return None if error is None else " ".join(str(error).split())


def parts_of(text: str | None) -> dict[str, float] | str | None:
    """Read `--split train=0.8,val=0.2`, or `category`."""
    if text is None or text == "category":
        return text
    try:
        return {name: float(share) for name, share in grammar.pairs(text.split(","), verb="--split").items()}
    except ValueError:
        raise click.UsageError(
            f"--split takes train=0.8,val=0.2 or category, got {json.dumps(text)}"
        ) from None
