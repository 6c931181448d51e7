"""Who we are: the tokens and the workspace that a session acts with, and the host that each token may be sent to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from synapse.dialects import Credentials
from synapse.errors import ConfigError
from synapse.session.origin import origin_of

TOKENS: Final = ("api_token", "agent_token", "user_token")
_LONGEST: Final = 8 * 1024


@attrs.frozen(eq=False, repr=False)
class SettingsSource:
    """One place that settings come from; its tokens belong to its own host, if it names one."""

    values: dict[str, str] = attrs.field(repr=False)
    names: dict[str, str]

    def serves(self, origin: str) -> bool:
        """Whether the tokens found here may be sent to *origin*."""
        if "host" not in self.values:
            return True
        try:
            return origin_of(str(self.values["host"])) == origin
        except ValueError:
            return False


def credentials_from(sources: Sequence[SettingsSource], *, origin: str) -> Credentials:
    """Choose who acts on *origin*, from what was given as arguments, which come first, and the other *sources*.

    Without a token for this host, or without the tenant that a user token needs, that is a `ConfigError`.
    """
    given = sources[0].values
    # An argument is meant for this session; a token that was kept for another host must not travel to this one.
    fitting = [source for source in sources if source is sources[0] or source.serves(origin)]
    found = {name: _pick(name, fitting) for name in (*TOKENS, "tenant")}
    # One identity only: a token beside the one that was asked for would act as somebody else.
    if "user_token" in given and "api_token" not in given:
        found["api_token"] = None
    elif found["api_token"] or given.get("agent_token"):
        found["user_token"] = None
    who = Credentials(**found)
    if not (who.api_token or who.agent_token or who.user_token):
        is_other = len(fitting) < len(sources)
        other = " (the one in the environment or the profile belongs to another host)" if is_other else ""
        raise ConfigError(
            f"no token for {origin}{other}: pass api_token='…', or set SYNAPSE_API_TOKEN, or log in so that "
            "~/.synapse/config.json has one",
            code="no-token",
        )
    if who.user_token and not who.tenant:
        raise ConfigError("a user token needs a tenant: pass tenant='…' or set SYNAPSE_TENANT")
    return who


def _pick(name: str, sources: Sequence[SettingsSource]) -> str | None:
    for source in sources:
        if name in source.values:
            return header_value(source.values[name], setting=source.names[name])
    return None


def header_value(value: object, *, setting: str) -> str:
    """Return what a header can carry, or raise a `ConfigError` that does not show it."""
    if not isinstance(value, str):
        raise ConfigError(f"{setting} must be text, not {type(value).__name__}")
    if not value:
        raise ConfigError(f"{setting} is empty")
    if not all("!" <= character <= "~" for character in value):
        raise ConfigError(
            f"{setting} has a space, a line break, or a control or non-ASCII character in it: give the bare "
            "value, without 'Token ' before it or a line break after it"
        )
    if len(value) > _LONGEST:
        raise ConfigError(
            f"{setting} has {len(value):,} characters, and no header may: is it the right value?"
        )
    return value
