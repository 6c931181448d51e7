"""The page of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from synapse.cli.commands import cli

HEAD = (
    "# Commands\n\nWhat `synapse COMMAND --help` prints; how to use them: [command line](command-line.md).\n"
)


def page() -> str:
    """Write the help of each command below its name."""
    return HEAD + "".join(sections(cli, click.Context(cli, info_name="synapse")))


def sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """Write the help of a command, and of those below it."""
    context.terminal_width = context.max_content_width = 100
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            if not each.hidden:
                yield from sections(each, click.Context(each, context, info_name=name))
