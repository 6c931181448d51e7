"""Who is let in, by which header."""

from __future__ import annotations

import pytest
import requests

from synapse.sandbox import Sandbox
from tests.sandbox.wire import Wire


class TestAccessToken:
    @pytest.mark.parametrize("prefix", ["Token ", "token ", ""])
    def test_is_taken_with_and_without_scheme(self, served: Sandbox, prefix: str) -> None:
        """The value may start with the word Token or not."""
        headers = {"Synapse-Access-Token": f"{prefix}{served.api_token}"}

        answer = requests.get(f"{served.url}/users/me/", headers=headers, timeout=10)

        assert ("owner@first.local", "first") == (answer.json()["email"], answer.json()["tenant"])

    @pytest.mark.parametrize("headers", [{}, {"Synapse-Access-Token": "Token syn_wrong"}])
    def test_missing_or_wrong_is_401_with_challenge(self, served: Sandbox, headers: dict[str, str]) -> None:
        """Without a good token nothing is answered but how to bring one."""
        answer = requests.get(f"{served.url}/projects/", headers=headers, timeout=10)

        assert (401, "Token") == (answer.status_code, answer.headers["WWW-Authenticate"])
        assert isinstance(answer.json()["detail"], str)

    def test_wins_over_the_other_headers(self, served: Sandbox) -> None:
        """An access token brings its workspace along, whatever else is sent."""
        headers = {"Authorization": "Token nonsense", "Synapse-Tenant": "Token second"}

        me = Wire(served.url, served.api_token).get("users/me/", headers=headers)

        assert "first" == me["tenant"]

    def test_has_the_shape_of_the_platform(self, served: Sandbox) -> None:
        """Access tokens start with syn_, agent tokens are 40 hexadecimal digits."""
        assert served.api_token.startswith("syn_")
        assert (40, True) == (len(served.agent_token), int(served.agent_token, 16) > 0)


@pytest.fixture(scope="module")
def user_token(served: Sandbox) -> str:
    """What the administrator gets for their password."""
    body = {"email": "admin@sandbox.local", "password": served.admin_password}
    return str(Wire(served.url).post("users/login/", body).json()["token"])


class TestUserToken:
    @pytest.mark.parametrize("tenant", ["first", "second"])
    def test_speaks_for_the_named_workspace(self, served: Sandbox, user_token: str, tenant: str) -> None:
        """The same person may work in several workspaces."""
        headers = {"Authorization": f"Token {user_token}", "Synapse-Tenant": f"Token {tenant}"}

        assert tenant == Wire(served.url).get("users/me/", headers=headers)["tenant"]

    @pytest.mark.parametrize("tenant", ["", "unknown"])
    def test_needs_a_workspace_of_its_own(self, served: Sandbox, user_token: str, tenant: str) -> None:
        """Without a workspace, or with a strange one, the token is worth nothing."""
        headers = {"Authorization": f"Token {user_token}", "Synapse-Tenant": tenant}

        assert 401 == Wire(served.url).send("GET", "users/me/", headers=headers).status_code

    def test_is_refused_as_an_access_token(self, served: Sandbox, user_token: str) -> None:
        """A user token in the header for access tokens is a 401."""
        assert 401 == Wire(served.url, user_token).send("GET", "users/me/").status_code

    def test_bad_password_is_400(self, served: Sandbox) -> None:
        """A wrong password is told under a key that clients can read."""
        body = {"email": "admin@sandbox.local", "password": "wrong"}

        answer = Wire(served.url).post("users/login/", body)

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))


class TestAgentToken:
    def test_lets_an_agent_read_its_workspace(self, served: Sandbox) -> None:
        """An agent sees what its workspace sees."""
        headers = {"SYNAPSE-Agent": f"Token {served.agent_token}"}

        agents = Wire(served.url).get("agents/", headers=headers)["results"]

        assert served.agent_token in [agent["token"] for agent in agents]

    def test_is_nobody_in_particular(self, served: Sandbox) -> None:
        """There is no person behind an agent."""
        headers = {"SYNAPSE-Agent": f"Token {served.agent_token}"}

        assert 403 == Wire(served.url).send("GET", "users/me/", headers=headers).status_code


@pytest.mark.parametrize("path", ["health", "health/"])
def test_health_needs_no_token(served: Sandbox, path: str) -> None:
    """Anyone may ask whether the server is alive."""
    assert {"status": "ok"} == Wire(served.url).get(path)
