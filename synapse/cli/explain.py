"""What the code of an error means, in English or Korean."""

from __future__ import annotations

import re

from importlib.resources import files
from typing import Final

import click

from synapse.errors import did_you_mean

LANGUAGES: Final = ("en", "ko")


def explanations(language: str) -> dict[str, str]:
    """Return the text of every code, in the order of their names."""
    text = files("synapse.cli").joinpath(f"explanations.{language}.md").read_text("utf-8")
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    return {code: body.strip() for code, _, body in (each.partition("\n") for each in sections)}


def explain(code: str | None, *, language: str) -> None:
    """Print the text of one code, or the list of all."""
    spoken = language[:2].lower()
    known = explanations(spoken if spoken in LANGUAGES else "en")
    if code is None:
        click.echo("\n".join(known))
    elif code in known:
        click.echo(f"{code}\n\n{known[code]}")
    else:
        raise click.UsageError(
            f"no error has the code {code!r}{did_you_mean(code, known)}; `synapse explain` lists all codes"
        )
