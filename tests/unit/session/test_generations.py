"""Which API generation a session speaks, and what a backend that lacks one answers."""

from __future__ import annotations

import json
import pickle

from pathlib import Path
from typing import Any

import pytest

from synapse.dialects import DEFAULT, V1, V2, Request
from synapse.errors import ConfigError, NotFoundError, UnsupportedError
from synapse.session import Session
from tests.servers import Server, reply

HOST = "https://api.example.com"
TOKEN = "syn_0123456789abcdef"
FIRST, SECOND = Request("GET", "tasks/"), Request("GET", "v2/tasks/")


def session(host: str = HOST, **settings: Any) -> Session:
    """Make a session without repeats."""
    return Session(host, **{"api_token": TOKEN, "tenant": "acme", **settings})


class TestChoice:
    @pytest.mark.parametrize(
        ("api", "dialect"), [(None, DEFAULT), ("auto", DEFAULT), ("v1", V1()), ("v2", V2())]
    )
    def test_is_an_argument(self, api: Any, dialect: Any) -> None:
        """Without one, each entity goes by its home."""
        assert dialect == session(api=api).dialect

    def test_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`SYNAPSE_API` is used where no argument is given."""
        monkeypatch.setenv("SYNAPSE_API", "v2")

        assert ("v2", "v1") == (session().dialect.name, session(api="v1").dialect.name)

    def test_comes_from_the_profile(self, tmp_path: Path) -> None:
        """The key `api` of the profile file comes last."""
        place = tmp_path / ".synapse"
        place.mkdir(mode=0o700)
        (place / "config.json").write_text(json.dumps({"api": "v1"}))
        (place / "config.json").chmod(0o600)

        assert "v1" == session().dialect.name

    @pytest.mark.parametrize("api", ["", "V1", "v3", 2])
    def test_is_a_known_one(self, api: Any) -> None:
        """Anything else is refused, with the names that are known."""
        with pytest.raises(ConfigError, match="api must be 'auto', 'v1', 'v2', not"):
            session(api=api)

    def test_is_not_given_beside_a_dialect(self) -> None:
        """A dialect is a choice of its own."""
        with pytest.raises(ConfigError, match="an api or a dialect"):
            session(api="v1", dialect=V1())

    @pytest.mark.parametrize("api", ["auto", "v1", "v2"])
    def test_travels(self, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pickle speaks what its session spoke."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", TOKEN)

        assert api == pickle.loads(pickle.dumps(session(api=api))).dialect.name


class TestHeaders:
    @pytest.mark.parametrize("api", ["auto", "v2"])
    def test_are_those_of_the_path(self, api: Any) -> None:
        """Below `v2/` the token stands bare."""
        with Server(reply(data={})) as server:
            session(server.origin, api=api).send(SECOND)

        headers = server.received[0].headers
        assert (TOKEN, "acme") == (headers["synapse-access-token"], headers["synapse-tenant"])

    def test_of_the_first_stay_as_they_were(self) -> None:
        """Elsewhere it follows a word."""
        with Server(reply(data={})) as server:
            session(server.origin).send(FIRST)

        assert f"Token {TOKEN}" == server.received[0].headers["synapse-access-token"]


class TestMissing:
    def test_is_told(self) -> None:
        """A 404 that is not in the words of the generation means that the host does not serve it; it is asked once."""
        with Server(reply(404, raw=b"<h1>Not Found</h1>", headers=[("Content-Type", "text/html")])) as server:
            asked = session(server.origin)
            for _ in range(2):
                with pytest.raises(UnsupportedError, match=r"serves no API v2 \(GET /v2/tasks/: 404\)"):
                    asked.send(SECOND)

        assert ["GET /v2/tasks/"] == server.lines

    def test_is_not_told_of_one_that_has_answered(self) -> None:
        """A gateway's page in between is a missing row like any other, and what follows is asked for."""
        page = reply(404, raw=b"<h1>Not Found</h1>", headers=[("Content-Type", "text/html")])
        with Server(reply(data={}), page, reply(data={})) as server:
            asked = session(server.origin)
            asked.send(SECOND)
            with pytest.raises(NotFoundError):
                asked.send(SECOND)

            assert 200 == asked.send(SECOND).status

    @pytest.mark.parametrize("request_", [FIRST, SECOND], ids=["first", "second"])
    def test_rows_are_only_missing(self, request_: Request) -> None:
        """A 404 in its words is about a row, and one of the first generation always is."""
        body = {"error": {"code": "NOT_FOUND", "message": "no"}, "meta": {"request_id": "req_1"}}
        with Server(reply(404, data=body)) as server, pytest.raises(NotFoundError):
            session(server.origin).send(request_)
