"""The backends, proxies and files of the tests of transfers."""

from __future__ import annotations

from tests.unit.transfer.conftest import backend, make_file, scripted, session, through_proxy

__all__ = ["backend", "make_file", "scripted", "session", "through_proxy"]
