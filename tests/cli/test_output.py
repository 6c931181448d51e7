"""What a command prints: widths, cuts and pipes."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from pathlib import Path

import click
import pytest

from click.shell_completion import ShellComplete

from synapse.cli.commands import cli
from synapse.cli.complete import entity_names, lookup_words
from synapse.cli.output import cut, table, text_width

ROOT = Path(__file__).resolve().parents[2]
ROWS = [{"id": 1, "title": "도로 표지판"}, {"id": 20, "title": "signs"}]


def test_tables_stand_straight_beside_korean():
    """A Korean syllable takes two columns."""
    lines = list(table([{"title": row["title"], "id": row["id"]} for row in ROWS], ["title", "id"], width=80))

    assert ["title        id", "도로 표지판  1", "signs        20"] == lines


def test_columns_that_do_not_fit_are_left_out():
    """The first ones stay."""
    assert ["id", "1", "20"] == list(table(ROWS, ["id", "title"], width=8))


@pytest.mark.parametrize("most", range(1, 12))
def test_a_cut_text_is_never_wider_than_asked(most):
    """Half a syllable is not shown."""
    assert text_width(cut("도로 표지판", most)) <= most


def test_a_table_streams(monkeypatch):
    """Only the rows by which widths are chosen are held."""
    taken = []
    stream = ({"id": taken.append(number) or number} for number in range(10_000))
    next(table(stream, ["id"], width=80))

    assert 200 == len(taken)


SPOUT = """
import sys
import click
from synapse.cli import output
from synapse.cli.commands import cli, run

cli.add_command(click.Command("spout", callback=lambda: [output.say("x" * 100) for _ in range(100_000)]))
sys.exit(run(["spout"]))
"""


def test_a_closed_pipe_ends_quietly(measured_processes):
    """`synapse ls tasks | head` is exit code 141, without a word."""
    command = [sys.executable, "-c", SPOUT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (141, b"") == (process.wait(60), said)


def test_completion_offers_entities_names_and_values():
    """Tab gives entities, then `name=`, then the values of a choice."""
    context = click.Context(click.Command("ls"))
    context.params["entity"] = "tasks"
    asked = [(entity_names, "task"), (lookup_words, "status_l"), (lookup_words, "status_label=com")]
    offered = [[each.value for each in offer(context, begun)] for offer, begun in asked]

    assert ["tasks", "task_tags"] == offered[0]
    assert {"status_label=", "status_label__in="} <= set(offered[1])
    assert ["status_label=completed"] == offered[2]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ls", "tasks", "--fields", "id,status_l"], ["id,status_label"]),
        (["ls", "tasks", "--order", "id,-cr"], ["id,-created"]),
        (["set", "tasks", "1", "--set", "is_d"], ["is_discarded="]),
        (["explain", "unknown-l"], ["unknown-lookup"]),
    ],
)
def test_completion_goes_behind_options(words, offered):
    """Fields, orders, what `--set` takes, and the codes of errors."""
    complete = ShellComplete(cli, {}, "synapse", "_SYNAPSE_COMPLETE")

    assert offered == [each.value for each in complete.get_completions(words[:-1], words[-1])]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["ls", "proj"], ["projects"]),
        (["ls", "tasks", "status_label", "=", "comp"], ["completed"]),
        (["ls", "tasks", "is_discarded", "="], ["false", "true"]),
        (["ls", "tasks", "project", "=", "1", "status_review", "=", "rej"], ["rejected"]),
        (["ls", "tasks", "is_disc"], ["is_discarded="]),
    ],
)
def test_bash_completes_behind_an_equals_sign(typed, expected, tmp_path, measured_processes):
    """The generated function runs in a real bash, which takes words apart at the sign."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash: its completion was NOT tried")
    words = " ".join(shlex.quote(word) for word in ("synapse", *typed))
    program = tmp_path / "synapse"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m synapse "$@"\n')
    program.chmod(0o755)
    script = f"""
        source <({program} completion bash) 2>/dev/null; compopt() {{ :; }}
        COMP_WORDS=({words}); COMP_CWORD={len(typed)}
        _synapse_completion {program}; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=environment, check=False)

    assert expected == sorted(ended.stdout.split()), ended.stderr
