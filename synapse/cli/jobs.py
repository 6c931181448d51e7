"""The verbs over jobs: run a plugin, follow what it prints, wait for its end, stop it."""

from __future__ import annotations

import sys

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synapse.cli import grammar, output
from synapse.cli.endings import DONE, FAILED
from synapse.cli.rows import named

if TYPE_CHECKING:
    from synapse.entities import Job, Session


def run(
    session: Session, *, code: str, action: str, words: Sequence[str], follow: bool, **options: Any
) -> int:
    """Start an action, print the key of its job, and follow it if asked."""
    from synapse.entities import Plugin

    params = grammar.parameters_of(words)
    given = {name: value for name, value in options.items() if value is not None}
    plugin: Plugin = session.plugins.get(grammar.key_of(Plugin, code))
    job = plugin.run(action=action, params=params, **given)
    if not follow:
        output.say(str(job.pk))
        return DONE
    output.note(f"job {job.pk}")
    return _follow(job)


def console(session: Session, *, job: str, follow: bool) -> int:
    """Print what a job printed, and with *follow* what it goes on to print."""
    found = _job(session, job)
    if follow:
        return _follow(found)
    for line in found.console_logs():
        output.say(line)
    return DONE


def wait(session: Session, *, job: str, timeout: float | None) -> int:
    """Wait for the end of a job, and print its status."""
    ended = _job(session, job).wait(timeout=timeout, progress=sys.stderr.isatty())
    output.say(str(ended.status))
    return _code(ended)


def stop(session: Session, *, job: str) -> int:
    """Stop a job, and print its status."""
    output.say(str(_job(session, job).stop().status))
    return DONE


def _follow(job: Job) -> int:
    for line in job.tail():
        output.say(line)
    return _code(job.refresh())


def _code(job: Job) -> int:
    return DONE if str(job.status) == "SUCCEEDED" else FAILED


def _job(session: Session, key: str) -> Job:
    from synapse.entities import Job

    found: Job = named(Job, key, session=session)
    return found
