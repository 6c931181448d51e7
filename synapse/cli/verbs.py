"""The verbs that talk to a backend, as they are typed; each loads what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from synapse.cli.connection import connected, connected_but_for_timeout, settings_only

FORMATS: Final = click.Choice(["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"])
SHELLS: Final = click.Choice(["bash", "zsh", "fish"])
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
EVERYTHING: Final = click.option("--all", "everything", is_flag=True, help="Every row there is.")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")
DRY_RUN: Final = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


def completed_by(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """Have a function of `complete` offer what can stand there; it is loaded when tab is pressed."""

    def complete(context: click.Context, _: click.Parameter, begun: str) -> Any:
        from synapse.cli import complete as completion

        return getattr(completion, name)(context, begun)

    return complete


FIELDS: Final = click.option(
    "--fields", metavar="NAMES", shell_complete=completed_by("field_names"), help="Print these: id,title."
)
ENTITY: Final = click.argument("entity", shell_complete=completed_by("entity_names"))
WORDS: Final = click.argument(
    "words", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=completed_by("lookup_words")
)
ROWS: Final = click.argument(
    "words", nargs=-1, metavar="KEY | NAME=VALUE...", shell_complete=completed_by("lookup_words")
)


@click.command()
@ENTITY
@WORDS
@FIELDS
@click.option(
    "--order", metavar="NAMES", shell_complete=completed_by("order_names"), help="Sort by these: -created."
)
@click.option(
    "-n", "--limit", type=click.IntRange(min=0), metavar="N", help="Print at most N rows; 0 for all."
)
@AS_JSON
@click.option("-q", "--quiet", is_flag=True, help="Print keys only.")
@click.option("--requests", is_flag=True, help="Print what would be sent, and send nothing.")
@connected
def ls(**options: Any) -> None:
    """List the rows that match.

    \b
    synapse ls tasks project=1 status_label=completed
    synapse ls tasks project=1 id__in=@ids.txt --fields id,created

    NAME=VALUE is what filter() takes; `synapse fields tasks` lists the names. On a terminal that is a table of 30
    rows, in a pipe all rows, tab-separated and uncut.
    """
    from synapse.cli.rows import list_rows

    list_rows(**options)


@click.command()
@ENTITY
@ROWS
@FIELDS
@AS_JSON
@connected
def get(**options: Any) -> None:
    """Show one object: by its key, its name, or lookups.

    \b
    synapse get tasks 5
    synapse get projects title="Street signs"
    """
    from synapse.cli.rows import get_row

    get_row(**options)


@click.command()
@ENTITY
@WORDS
@connected
def count(**options: Any) -> None:
    """Count the rows that match; where the backend counts none, by reading their keys."""
    from synapse.cli.rows import count_rows

    count_rows(**options)


@click.command()
@ENTITY
@AS_JSON
def fields(**options: Any) -> None:
    """List what an entity can be asked by, its orders and its fields; nothing is sent."""
    from synapse.cli.rows import show_fields

    show_fields(**options)


@click.command()
@ENTITY
@click.argument("words", nargs=-1, metavar="NAME=VALUE...", shell_complete=completed_by("value_words"))
@AS_JSON
@connected
def new(**options: Any) -> None:
    """Create one object, and print its key.

    \b
    synapse new projects title="Street signs" category=image data_collection=3
    synapse new task_tags project=1 name=ready meta=@meta.json
    """
    from synapse.cli.rows import new_row

    new_row(**options)


@click.command(name="set")
@ENTITY
@ROWS
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=completed_by("value_words"),
    help="Set this field; may be given again.",
)
@EVERYTHING
@YES
@DRY_RUN
@connected
def set_(**options: Any) -> None:
    """Change fields of one object, by its key, or of every row that matches; asks first.

    \b
    synapse set projects 5 --set title="Street signs"
    synapse set projects category=image --set is_archived=true --dry-run
    """
    from synapse.cli.rows import set_rows

    set_rows(**options)


@click.command()
@ENTITY
@ROWS
@EVERYTHING
@YES
@DRY_RUN
@connected
def rm(**options: Any) -> None:
    """Delete one object, by its key, or every row that matches; asks first.

    \b
    synapse rm projects 5
    synapse rm tasks project=5 --dry-run
    """
    from synapse.cli.rows import remove_rows

    remove_rows(**options)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--collection", required=True, metavar="KEY|NAME", help="Upload into this one.")
@click.option("--project", metavar="KEY|TITLE", help="Make a task of each unit in this one.")
@click.option("--include", multiple=True, metavar="PATTERN", help='Only these files: "*.jpg".')
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Not these files.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="So many files at once.")
@click.option(
    "--annotations",
    type=click.Path(exists=True),
    metavar="PATH",
    help="Annotate the tasks with these labels.",
)
@click.option("--format", type=FORMATS, help="The format of the labels.")
@click.option("--strict", is_flag=True, help="Upload nothing if a label is wrong.")
@DRY_RUN
@AS_JSON
@connected
def upload(**options: Any) -> int:
    """Upload a folder; nothing is uploaded or created twice, so the same command goes on after an interruption.

    \b
    synapse upload photos --collection Snapshots --project "What is on it?"
    """
    from synapse.cli.transfers import upload_folder

    return upload_folder(**options)


@click.command()
@ENTITY
@click.argument("words", nargs=-1, required=True, metavar="[NAME=VALUE]... FOLDER")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="So many files at once.")
@click.option("--overwrite", is_flag=True, help="Replace files that differ.")
@click.option("--original-paths", is_flag=True, help="Save to the paths that the files were uploaded under.")
@AS_JSON
@connected
def download(**options: Any) -> int:
    """Download the files of every row that matches into FOLDER; what is there is not fetched again.

    \b
    synapse download tasks project=1 pictures
    """
    from synapse.cli.transfers import download_files

    return download_files(**options)


@click.command()
@ENTITY
@click.argument("words", nargs=-1, required=True, metavar="[NAME=VALUE]... FOLDER")
@click.option("--format", type=FORMATS, required=True, help="Write this format.")
@click.option(
    "--kind", type=click.Choice(["detect", "segment", "pose", "obb"]), default="detect", help="Kind of YOLO."
)
@click.option("--files", type=click.Choice(["download"]), help="Put the pictures beside the labels.")
@click.option("--split", metavar="SHARES", help="Make parts: train=0.8,val=0.2, or category.")
@click.option(
    "--lossy", type=click.Choice(["report", "refuse"]), default="report", help="What the format can't hold."
)
@click.option("--overwrite", is_flag=True, help="Replace an export that is there.")
@AS_JSON
@connected
def export(*, split: str | None, **options: Any) -> int:
    """Export the annotations of every row that matches into FOLDER.

    \b
    synapse export tasks project=1 out --format coco --files download
    """
    from synapse.cli.transfers import export_annotations, parts_of

    return export_annotations(split=parts_of(split), **options)


@click.command()
@click.argument("code", metavar="PLUGIN")
@click.argument("action")
@click.argument("words", nargs=-1, metavar="[params.NAME=VALUE]...")
@click.option("--agent", type=click.IntRange(min=1), metavar="KEY", help="Run on this agent.")
@click.option("--version", metavar="VERSION", help="Run this release.")
@click.option("-f", "--follow", is_flag=True, help="Print what the job prints, until it ends.")
@connected
def run(**options: Any) -> int:
    """Run an action of a plugin, and print the key of its job.

    \b
    synapse run yolov8 train params.epochs=2 --follow
    """
    from synapse.cli.jobs import run

    return run(**options)


@click.command()
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@connected
def console(**options: Any) -> int:
    """Print what a job printed; its log rows are `synapse ls job_logs job=KEY`."""
    from synapse.cli.jobs import console

    return console(**options)


@click.command()
@click.argument("job")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after so long: exit code 124."
)
@connected_but_for_timeout
def wait(**options: Any) -> int:
    """Wait for the end of a job; exit code 1 if it did not succeed."""
    from synapse.cli.jobs import wait

    return wait(**options)


@click.command()
@click.argument("job")
@connected
def stop(**options: Any) -> int:
    """Stop a job."""
    from synapse.cli.jobs import stop

    return stop(**options)


@click.command()
@AS_JSON
@settings_only
def config(*, settings: dict[str, Any], as_json: bool) -> None:
    """Show each setting and where it comes from; tokens are not shown."""
    from synapse.cli.settings import show_settings

    show_settings(settings, as_json=as_json)


@click.command()
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@AS_JSON
@settings_only
def doctor(**options: Any) -> int:
    """Look at settings, token, backend, clock, leftovers and other packages; exit code 1 if something is wrong."""
    from synapse.cli.settings import examine

    return examine(**options)


@click.command()
@connected
def shell(*, session: Any) -> None:
    """Start IPython, or Python, with everything imported and connected."""
    from synapse.cli.settings import shell

    shell(session)


@click.command()
@click.argument("kind", type=SHELLS, metavar="SHELL")
@click.pass_context
def completion(context: click.Context, *, kind: str) -> None:
    """Print the completion for bash, zsh or fish.

    \b
    eval "$(synapse completion bash)"
    """
    from synapse.cli.settings import completion

    completion(context.find_root().command, kind=kind)


VERBS: Final = (
    *(ls, get, count, fields, new, set_, rm),
    *(upload, download, export),
    *(run, console, wait, stop),
    *(config, doctor, shell, completion),
)
