"""What a shell offers when tab is pressed: entities, the names they can be asked by, the values these take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from synapse.query.kinds import Boolean, Choice, Kind

if TYPE_CHECKING:
    from synapse.orm import Entity


class Bash(BashComplete):
    """Completion for bash, which takes `name=value` apart at the equals sign and replaces the last part only."""

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)", 'COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace'
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        """Put together again what stands around an equals sign."""
        args, begun = super().get_completion_args()
        words: list[str] = []
        for word in (*args, begun):
            is_apart = word == "=" or (words and words[-1].endswith("=") and "=" not in word)
            if is_apart and words:
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """Give what follows the equals sign, for that is what bash replaces."""
        _, _, value = str(item.value).partition("=")
        return super().format_completion(CompletionItem(value, type=item.type) if value else item)


add_completion_class(Bash)


def entity_names(_: click.Context, begun: str) -> list[CompletionItem]:
    """Offer the plural names of entities."""
    from synapse.cli.grammar import managers

    return [CompletionItem(name) for name in managers() if name.startswith(begun.replace("-", "_"))]


def lookup_words(context: click.Context, begun: str) -> list[CompletionItem]:
    """Offer `name=`, and behind it the values of a choice."""
    cls = _entity(context)
    if cls is None:
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
    cls = _entity(context)
    if cls is None:
        return []
    return [CompletionItem(f"{each}=") for each in cls._schema.settable if each.startswith(begun)]


def field_names(context: click.Context, begun: str) -> list[CompletionItem]:
    """Offer fields, behind a comma the next one."""
    cls = _entity(context)
    return _listed(cls._schema.fields, begun) if cls else []


def order_names(context: click.Context, begun: str) -> list[CompletionItem]:
    """Offer orders, each way, behind a comma the next one."""
    cls = _entity(context)
    names = cls._catalog.order_by if cls else ()
    return _listed([*names, *(f"-{name}" for name in names)], begun)


def error_codes(_: click.Context, begun: str) -> list[CompletionItem]:
    """Offer the codes of errors."""
    from synapse.cli.explain import explanations

    return [CompletionItem(code) for code in explanations("en") if code.startswith(begun)]


def _entity(context: click.Context) -> type[Entity] | None:
    from synapse.cli.grammar import entity_of

    # While the value of an option is being typed, click has not yet given the words before it to the arguments.
    words = [context.params.get("entity"), *context.args]
    try:
        return entity_of(next((str(word) for word in words if word), ""))[1]
    except click.UsageError:
        return None


def _listed(names: Iterable[str], begun: str) -> list[CompletionItem]:
    before, comma, last = begun.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


def _values(kind: Kind) -> list[str]:
    if isinstance(kind, Choice):
        return [str(member.value) for member in kind.of]
    return ["true", "false"] if isinstance(kind, Boolean) else []
