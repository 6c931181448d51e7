"""The options by which every command that talks to a backend is told which one, and how."""

from __future__ import annotations

import functools

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from synapse.entities import Session

# No option takes a token: other users of the machine could see it.
_OPTIONS: Final = (
    click.option("--host", metavar="URL", help="The address of the backend."),
    click.option("--profile", metavar="NAME", help="An entry of ~/.synapse/config.json."),
    click.option("--tenant", metavar="CODE", help="The workspace."),
    click.option("--language", metavar="TAG", help="The language that the backend answers in, such as ko."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Wait so long for an answer.",
    ),
)
_NAMES: Final = ("host", "profile", "tenant", "language", "timeout")


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a connection, and an open session as its argument `session`."""
    return settings_only(_opening(command))


def connected_but_for_timeout(command: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same for a command with a `--timeout` of its own."""
    return _with_settings(_opening(command), _OPTIONS[:-1], _NAMES[:-1])


def settings_only(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a connection, as its argument `settings`; nothing is opened."""
    return _with_settings(command, _OPTIONS, _NAMES)


def _opening(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def run(*, settings: dict[str, Any], **options: Any) -> Any:
        with opened(settings) as session:
            return command(session=session, **options)

    return run


def _with_settings(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]], names: Sequence[str]
) -> Callable[..., Any]:
    @functools.wraps(command)
    def run(**given: Any) -> Any:
        settings = {name: given.pop(name) for name in names}
        return command(settings=settings, **given)

    for option in reversed(options):
        run = option(run)
    return run


@contextmanager
def opened(settings: dict[str, Any]) -> Iterator[Session]:
    """Open a session of these settings, make it current, and close it."""
    from synapse.entities import Session

    given = {name: value for name, value in settings.items() if value is not None}
    if "timeout" in given:
        given["timeout"] = {"read": given["timeout"]}
    session = Session(**given)
    try:
        with session:
            yield session
    finally:
        session.close()
