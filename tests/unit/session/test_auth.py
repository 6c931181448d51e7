"""Values that are no token: refused before anything is sent, and never shown."""

from __future__ import annotations

import json
import traceback

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synapse

from synapse import BackendClient, ConfigError

PART = "s3cret"
BAD: dict[str, Any] = {
    "line break": f"{PART}\n",
    "return": f"\r{PART}",
    "injected header": f"{PART}\r\nX-Admin: 1",
    "tab": f"{PART}\t",
    "space inside": f"{PART} {PART}",
    "space before": f" {PART}",
    "NUL": f"{PART}\0",
    "delete": f"{PART}\x7f",
    "Korean": f"{PART}한국",
    "full width": "".join(chr(ord(letter) + 0xFEE0) for letter in PART) + PART,
    "zero width": f"{PART}\u200b",
    "byte order mark": f"\ufeff{PART}",
    "no-break space": f"{PART}\u00a0",
    "surrogate": f"{PART}\udce9",
    "prefix": f"Token {PART}",
    "bearer": f"Bearer {PART}",
    "only spaces": "   ",
    "empty": "",
    "bytes": PART.encode(),
    "number": 123456789,
    "list": [PART],
    "long": PART * 20_000,
}
UNFIT = {"NUL", "surrogate", "empty", "bytes", "number", "list"}
"""What no variable of an environment can hold, or what means that there is none."""

Door = Callable[[str, Any, Path], object]


def argument(setting: str, value: Any, home: Path) -> object:
    """Give it to a session."""
    return synapse.Session("http://HOST", **{"api_token": "t", "tenant": "acme", setting: value})


def connected(setting: str, value: Any, home: Path) -> object:
    """Give it to the default session."""
    return synapse.connect("http://HOST", **{"api_token": "t", "tenant": "acme", setting: value})


def flat(setting: str, value: Any, home: Path) -> object:
    """Give it to the flat client."""
    name = "authorization_token" if setting == "user_token" else setting
    return BackendClient("http://HOST", **{"api_token": "t", "tenant": "acme", name: value})


def filed(setting: str, value: Any, home: Path) -> object:
    """Have it in the profile file."""
    content: dict[str, Any] = {"host": "http://HOST", "access_token": "t", "tenant": "acme"}
    if setting == "user_token":
        del content["access_token"]
    content |= (
        {"agent": {"token": value}} if setting == "agent_token" else {KEYS.get(setting, setting): value}
    )
    (home / ".synapse").mkdir(mode=0o700, exist_ok=True)
    path = home / ".synapse" / "config.json"
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return synapse.Session()


KEYS = {"api_token": "access_token"}
DOORS: list[Door] = [argument, connected, flat, filed]
SETTINGS = ["api_token", "agent_token", "user_token", "tenant"]


def refusal(act: Callable[[], object], *, listed: bool = True) -> str:
    """Return what the error says, which shows no part of the value, nor do the variables that are *listed*."""
    with pytest.raises(ConfigError) as caught:
        act()
    error = caught.value
    assert PART not in f"{error!r} {error} {vars(error)}"
    inside = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    ours = [frame for frame in inside.stack if "/synapse/" in frame.filename]
    assert ours
    assert not listed or PART not in "".join(str(frame.locals) for frame in ours)
    return str(error)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("setting", SETTINGS)
def test_refuses_what_no_header_holds(door: Door, setting: str, tmp_path: Path) -> None:
    """Through every door, by a sentence that names the setting and shows none of the value."""
    for name, value in BAD.items():
        if door is filed and name in ("empty", "bytes"):  # none at all, and nothing that JSON holds
            continue
        message = refusal(
            lambda value=value: door(setting, value, tmp_path),
            listed=setting != "tenant" and isinstance(value, str),
        )

        assert message.split(" ")[0] in (setting, "access_token", "agent.token")
        assert any(words in message for words in ("must be text", "is empty", "has a space", "120,000 char"))


@pytest.mark.parametrize("name", ["API_TOKEN", "ACCESS_TOKEN", "AGENT_TOKEN", "TENANT"])
def test_refuses_it_in_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A bad value is blamed on its variable."""
    token: dict[str, Any] = {"api_token": "t"} if name == "TENANT" else {}
    for case, value in BAD.items():
        if case not in UNFIT:
            monkeypatch.setenv(f"SYNAPSE_{name}", value)
            message = refusal(lambda: synapse.Session("http://HOST", **token), listed=name != "TENANT")

            assert message.startswith(f"SYNAPSE_{name} has ")
