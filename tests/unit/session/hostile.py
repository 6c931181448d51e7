"""The old place of `tests.servers`."""

from __future__ import annotations

from tests.servers import HangUpError as _HangUpError
from tests.servers import Received, Server, Step, cut, reply, reset

__all__ = ["Received", "Server", "Step", "_HangUpError", "cut", "reply", "reset"]
