"""The command itself: what it is called, what it needs, and how it refuses."""

from __future__ import annotations

import pytest

from synapse.cli import HINT
from synapse.cli.commands import cli

BLOCKED = "import sys; sys.modules[{module!r}] = None; from synapse.cli import main; main()"


@pytest.mark.parametrize("module", ["click", "rich"])
def test_says_what_to_install(started, module):
    """Without the extra, the command is one line that says how to get it, and exit code 2."""
    ended = started("demo", code=BLOCKED.format(module=module)).end()

    assert (2, "", f"{HINT}\n") == ended


def test_lists_its_commands(started):
    """`--help` names every command."""
    ended = started("--help").end()

    assert (0, "") == (ended.code, ended.err)
    assert sorted(cli.commands) == [
        line.split()[0] for line in ended.out.partition("Commands:")[2].strip().splitlines()
    ]


def test_suggests_the_nearest_command(ran):
    """A command that does not exist is exit code 2, with the one that was meant."""
    ended = ran("dmo")

    assert (2, "") == (ended.code, ended.out)
    assert "Did you mean 'demo'?" in ended.err


def test_refusals_are_one_line(ran):
    """An error of the SDK is one line on standard error; without a host, its exit code is 4."""
    ended = ran("whoami")

    assert (4, "") == (ended.code, ended.out)
    assert ended.err.startswith("Error: no host: ")
    assert 1 == ended.err.count("\n")


@pytest.mark.parametrize("option", ["--limit=0", "--workers=0", "--images=missing"])
def test_bad_options_are_refused(ran, option):
    """A value that an option cannot take is exit code 2, before anything is started."""
    ended = ran("demo", option)

    assert (2, "") == (ended.code, ended.out)
    assert option.partition("=")[0] in ended.err
