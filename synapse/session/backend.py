"""The backend that an object or a query belongs to, which may have several addresses."""

from __future__ import annotations

import os

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from synapse.errors import ConfigError, describe
from synapse.session.origin import Base

VARIABLE: Final = "SYNAPSE_HOST_ALIASES"
_FORMAT: Final = (
    "the addresses of one backend, separated by commas, such as "
    "'https://api.example.com,http://10.0.0.5:8000'; a semicolon between backends"
)


@attrs.frozen
class Backend:
    """The address and the workspace that keys and queries belong to; `aliases` are its other addresses."""

    host: str
    tenant: str | None = None
    aliases: frozenset[str] = frozenset()

    def is_at(self, other: Backend) -> bool:
        """Whether both are known to be addresses of one backend."""
        return not {self.host, *self.aliases}.isdisjoint({other.host, *other.aliases})

    def holds(self, other: Backend) -> bool:
        """Whether both are the same workspace of one backend; one without a tenant may be any."""
        unknown = self.tenant is None or other.tenant is None
        return self.is_at(other) and (unknown or self.tenant == other.tenant)

    def __str__(self) -> str:
        return self.host if self.tenant is None else f"{self.host} (workspace {self.tenant!r})"


def aliases_of(base: Base, given: object) -> frozenset[str]:
    """Return the other addresses of a backend: those that were *given*, and those of the environment."""
    found = {base.url}
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"aliases is a list of other addresses of this backend, not {describe(given)}")
    found |= {Base.parse(each, setting="aliases").url for each in given}
    for same in _groups(os.environ.get(VARIABLE, "")):
        found |= same if base.url in same else set()
    return frozenset(found - {base.url})


def _groups(variable: str) -> Iterator[set[str]]:
    """Read the addresses of each backend."""
    for group in filter(str.strip, variable.split(";")):
        named = [address.strip() for address in group.split(",") if address.strip()]
        if "=" in group or len(named) < 2:
            raise ConfigError(f"{VARIABLE} must be {_FORMAT}")
        yield {Base.parse(address, setting=VARIABLE).url for address in named}
