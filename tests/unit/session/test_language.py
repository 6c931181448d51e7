"""The language that the backend is asked to answer in."""

from __future__ import annotations

import json

import pytest

from synapse.dialects import Request
from synapse.errors import ConfigError
from synapse.session import Session
from tests.servers import Server, reply

GET = Request("GET", "tasks/")
TOKEN = "syn_0123456789abcdef"


def asked(**settings) -> str | None:
    """Return the header that a session of these settings sends."""
    with Server(reply(data={})) as server:
        Session(server.origin, **{"api_token": TOKEN, **settings}).send(GET)
    return server.received[0].headers.get("Accept-Language".lower())


def test_is_not_sent_unless_it_is_set():
    """Without a language, the backend chooses."""
    assert asked() is None


def test_goes_into_each_request():
    """`Session(language=)` is the header."""
    assert "ko" == asked(language="ko")


def test_comes_from_the_environment(monkeypatch):
    """`SYNAPSE_LANGUAGE` is used where no argument is given."""
    monkeypatch.setenv("SYNAPSE_LANGUAGE", "ko")

    assert ("ko", "en-US") == (asked(), asked(language="en-US"))


def test_comes_from_the_profile(tmp_path):
    """The key `language` of the profile file comes last."""
    place = tmp_path / ".synapse"
    place.mkdir(mode=0o700)
    (place / "config.json").write_text(json.dumps({"language": "ko"}))
    (place / "config.json").chmod(0o600)

    assert "ko" == asked()


@pytest.mark.parametrize("tag", ["", "한국어", "ko\r\nX: 1", "korean language", "k", 5])
def test_must_be_a_tag(tag):
    """Anything but the tag of a language is refused."""
    with pytest.raises(ConfigError, match="language must be the tag of a language, such as 'ko' or 'en-US'"):
        Session("https://api.example.com", api_token=TOKEN, language=tag)


def test_is_not_sent_to_storages():
    """A file at a signed address is fetched without it, as it is without the token."""
    with Server(reply(raw=b"x")) as server:
        session = Session("https://api.example.com", api_token=TOKEN, language="ko")
        with session.download(f"{server.origin}/file") as download:
            assert [b"x"] == list(download.chunks())

    assert "accept-language" not in server.received[0].headers
