"""A session that asks for addresses of files on a certain host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import attrs

from synapse.dialects import Reply, Request
from synapse.entities import Session
from synapse.errors import ConfigError
from synapse.session.decoding import Decode


class HostSession(Session):
    """A session whose every request says by which host the backend is to sign addresses, unless it says so itself."""

    def __init__(self, host: str | None = None, *, url_host: str | None = None, **settings: Any) -> None:
        super().__init__(host, **settings)
        self.url_host = url_host

    def send(self, request: Request, *, decode: Decode | None = None) -> Reply:
        """Send one request and return its reply."""
        return super().send(self._told(request), decode=decode)

    def lines(self, request: Request) -> AbstractContextManager[Iterator[str]]:
        """Open an event stream and give its lines as they come."""
        return super().lines(self._told(request))

    def _told(self, request: Request) -> Request:
        # An address that the backend gave says all that it needs.
        whole = request.path.startswith(("http://", "https://"))
        if self.url_host is None or whole or any(name == "url_host" for name, _ in request.params):
            return request
        return attrs.evolve(request, params=(*request.params, ("url_host", self.url_host)))

    def __reduce__(self) -> tuple[Any, ...]:
        load, (cls, settings) = super().__reduce__()
        return _load, (load, cls, {**settings, "url_host": self.url_host})


def _load(load: Callable[..., Session], cls: type[Session], settings: dict[str, Any]) -> Session:
    try:
        return load(cls, settings)
    except ConfigError as error:
        raise ConfigError(
            "this client was pickled, and tokens are never pickled: where it is loaded, the environment "
            f"(SYNAPSE_API_TOKEN) or a profile in ~/.synapse/config.json must name one ({error})"
        ) from error
