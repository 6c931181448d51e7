"""What a shell offers when tab is pressed: entities, the names they can be asked by, the values these take."""

from __future__ import annotations

import click

from click.shell_completion import CompletionItem

from synapse.query.kinds import Boolean, Choice, Kind


def entity_names(_: click.Context, begun: str) -> list[CompletionItem]:
    """Offer the plural names of entities."""
    from synapse.cli.grammar import managers

    return [CompletionItem(name) for name in managers() if name.startswith(begun.replace("-", "_"))]


def lookup_words(context: click.Context, begun: str) -> list[CompletionItem]:
    """Offer `name=`, and behind it the values of a choice."""
    from synapse.cli.grammar import entity_of

    try:
        cls = entity_of(str(context.params.get("entity") or ""))[1]
    except click.UsageError:
        return []
    spelled = cls._catalog.every_spelling()
    name, is_pair, value = begun.partition("=")
    if not is_pair:
        names = [*spelled, *cls._schema.natural]
        return [CompletionItem(f"{each}=") for each in names if each.startswith(begun)]
    of = spelled.get(name)
    offered = _values(cls._catalog.kinds[of[0]]) if of else []
    return [CompletionItem(f"{name}={each}") for each in offered if each.startswith(value)]


def value_words(context: click.Context, begun: str) -> list[CompletionItem]:
    """Offer the fields that can be set, each with an equals sign."""
    from synapse.cli.grammar import entity_of

    try:
        cls = entity_of(str(context.params.get("entity") or ""))[1]
    except click.UsageError:
        return []
    return [CompletionItem(f"{each}=") for each in cls._schema.settable if each.startswith(begun)]


def _values(kind: Kind) -> list[str]:
    if isinstance(kind, Choice):
        return [str(member.value) for member in kind.of]
    return ["true", "false"] if isinstance(kind, Boolean) else []
