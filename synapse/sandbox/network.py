"""Tell whether a sandbox can be reached from other machines, and what to say then."""

from __future__ import annotations

import ipaddress


class SandboxWarning(UserWarning):
    """A sandbox is open to the network."""


def is_local(host: str) -> bool:
    """Tell whether only this machine reaches what listens on *host*."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def warning_of(host: str) -> str:
    """Say what it means to listen on *host*."""
    return (
        f"it listens on {host}, where other machines reach it: tokens, passwords and data travel unencrypted, and a "
        "sandbox is made for tests. Use it in networks that you trust, or put a server that speaks TLS in front"
    )
