"""Settings from arguments, environment and profile, and all that cannot be used."""

from __future__ import annotations

import json
import pickle

from pathlib import Path
from typing import Any

import pytest

from synapse.dialects import DEFAULT
from synapse.errors import ConfigError
from synapse.session import Retry, Session, Settings, Timeout

HOST = "https://api.example.com"
OTHER = "https://other.example.com"


def settings(**arguments: Any) -> Settings:
    """Resolve settings as a session does."""
    return Session(**arguments).settings


@pytest.fixture
def profile(tmp_path: Path) -> Any:
    """Write `~/.synapse/config.json`."""

    def write(content: object) -> None:
        folder = tmp_path / ".synapse"
        folder.mkdir(mode=0o700, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "config.json").write_text(text)
        (folder / "config.json").chmod(0o600)

    return write


class TestResolve:
    def test_prefers_arguments(self, monkeypatch: pytest.MonkeyPatch, profile: Any) -> None:
        """An argument wins over environment and profile."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "environment")
        monkeypatch.setenv("SYNAPSE_TENANT", "environment")
        profile({"host": HOST, "access_token": "file", "tenant": "file"})
        found = settings(host=HOST, api_token="argument", tenant="argument")

        assert ("argument", "argument") == (found.api_token, found.tenant)

    def test_prefers_the_environment_to_the_profile(
        self, monkeypatch: pytest.MonkeyPatch, profile: Any
    ) -> None:
        """The environment wins over the profile, setting by setting."""
        monkeypatch.setenv("SYNAPSE_ACCESS_TOKEN", "environment")
        profile({"host": HOST, "access_token": "file", "tenant": "file"})
        found = settings()

        assert (HOST, "environment", "file") == (found.host, found.api_token, found.tenant)

    def test_reads_the_whole_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Host, both tokens and the tenant come from the environment; `API_TOKEN` wins over `ACCESS_TOKEN`."""
        for name in ("API_TOKEN", "ACCESS_TOKEN", "AGENT_TOKEN", "TENANT"):
            monkeypatch.setenv(f"SYNAPSE_{name}", name)
        monkeypatch.setenv("SYNAPSE_HOST", HOST)
        found = settings()

        assert ("API_TOKEN", "AGENT_TOKEN", "TENANT") == (found.api_token, found.agent_token, found.tenant)

    def test_reads_a_user_token_and_an_agent_from_the_profile(self, profile: Any) -> None:
        """The vendor's user token goes with its tenant; the agent's token is found below `agent`."""
        profile({"host": HOST, "user_token": "user", "tenant": "acme", "agent": {"id": 1, "token": "agent"}})
        found = settings()

        assert ("user", "agent") == (found.user_token, found.agent_token)
        assert "Token user" == DEFAULT.headers(found.credentials)["Authorization"]

    def test_leaves_a_user_token_out_beside_an_access_token(self, profile: Any) -> None:
        """A token given by argument is the only identity that is sent."""
        profile({"host": HOST, "user_token": "user", "tenant": "acme"})

        assert settings(api_token="argument").user_token is None

    def test_takes_a_user_token_by_argument(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is the identity that was asked for, whatever access token the environment has."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "environment")
        found = settings(host=HOST, user_token="user", tenant="acme")

        assert (None, "user", "acme") == (found.api_token, found.user_token, found.tenant)

    def test_prefers_the_access_token_of_two_arguments(self) -> None:
        """As the backend does, which takes the workspace from it."""
        found = settings(host=HOST, api_token="access", user_token="user", tenant="acme")

        assert ("access", None) == (found.api_token, found.user_token)

    def test_picks_a_profile_by_name(self, monkeypatch: pytest.MonkeyPatch, profile: Any) -> None:
        """`SYNAPSE_PROFILE` picks an entry of `environments`."""
        profile({"host": HOST, "environments": {"stage": {"host": OTHER, "access_token": "stage"}}})
        monkeypatch.setenv("SYNAPSE_PROFILE", "stage")
        found = settings()

        assert (OTHER, "stage", "stage") == (found.host, found.api_token, found.profile)

    def test_prefers_a_profile_given_by_argument_to_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, profile: Any
    ) -> None:
        """A profile that was asked for in code wins over the environment."""
        profile({"environments": {"stage": {"host": OTHER, "access_token": "stage"}}})
        monkeypatch.setenv("SYNAPSE_HOST", HOST)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "environment")
        found = settings(profile="stage")

        assert (OTHER, "stage") == (found.host, found.api_token)

    def test_uses_a_token_for_the_host_it_came_with_only(
        self, monkeypatch: pytest.MonkeyPatch, profile: Any
    ) -> None:
        """A token that belongs to one host is never sent to another."""
        profile({"host": HOST, "access_token": "file"})
        monkeypatch.setenv("SYNAPSE_HOST", "not an address")
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "environment")
        with pytest.raises(ConfigError, match=r"no token for https://other\.example\.com \(the one in"):
            settings(host=OTHER)

    def test_uses_a_token_that_names_no_host_for_any(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A token of the environment alone goes with the host that is given."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "environment")

        assert "environment" == settings(host=OTHER).api_token

    def test_takes_an_empty_variable_for_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty environment variable is as good as none."""
        monkeypatch.setenv("SYNAPSE_TENANT", "")

        assert settings(host=HOST, api_token="t").tenant is None


class TestRefusals:
    def test_says_what_to_do_without_a_host(self) -> None:
        """Without a host the error names every way to give one."""
        with pytest.raises(ConfigError, match=r"no host: call synapse\.connect\(.*SYNAPSE_HOST"):
            settings(api_token="t")

    def test_says_what_to_do_without_a_token(self) -> None:
        """Without a token the error names every way to give one."""
        with pytest.raises(
            ConfigError, match=r"no token for https://api\.example\.com: pass api_token=.*SYNAPSE_API"
        ):
            settings(host=HOST)

    @pytest.mark.parametrize("name", ["api_token", "agent_token", "tenant"])
    @pytest.mark.parametrize(
        "value", ["s3cret\n", "Token s3cret", "s3cret\r\nX: 1", "s3cret한", "s3\x00cret", "", 7]
    )
    def test_refuses_a_value_that_is_no_header(self, name: str, value: object) -> None:
        """A token with a line break, a space or a foreign character is refused; its value is not shown."""
        with pytest.raises(ConfigError, match=f"^{name} ") as caught:
            settings(**{"host": HOST, "api_token": "t", name: value})

        assert "s3cret" not in str(caught.value)

    def test_names_the_variable_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bad value from the environment is blamed on its variable."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "s3cret\n")
        with pytest.raises(ConfigError, match="^SYNAPSE_API_TOKEN has a space"):
            settings(host=HOST)

    def test_names_the_key_of_the_file_that_cannot_be_used(self, profile: Any) -> None:
        """A bad value from the profile is blamed on its key."""
        profile({"host": HOST, "access_token": 7})
        with pytest.raises(ConfigError, match=r"^access_token in .*config\.json must be text"):
            settings()

    def test_refuses_a_user_token_without_tenant(self, profile: Any) -> None:
        """A user token alone does not say which workspace is meant."""
        profile({"host": HOST, "user_token": "user"})
        with pytest.raises(ConfigError, match="needs a tenant"):
            settings()

    @pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000])
    def test_refuses_a_file_that_cannot_be_read(self, profile: Any, content: str) -> None:
        """A broken profile file is named."""
        profile(content)
        with pytest.raises(ConfigError, match=r"config\.json"):
            settings()

    def test_ignores_a_broken_file_that_nobody_needs(self, profile: Any) -> None:
        """A broken profile file does no harm where everything is given."""
        profile("{")

        assert "t" == settings(host=HOST, api_token="t").api_token

    @pytest.mark.parametrize("content", [{}, {"environments": []}, {"environments": {"stage": {}}}])
    def test_refuses_an_unknown_profile(self, profile: Any, content: object) -> None:
        """A profile that the file lacks is an error, with the nearest name suggested."""
        profile(content)
        hint = r" \(did you mean 'stage'\?\)" if content == {"environments": {"stage": {}}} else ""
        with pytest.raises(ConfigError, match=f"has no profile 'stagee'{hint} under"):
            settings(profile="stagee")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", 5),
            ("timeout", {"connect": 0}),
            ("timeout", {"read": True}),
            ("timeout", {"read": float("inf")}),
            ("timeout", {"read": None}),
            ("retry", 3),
            ("workers", 0),
            ("workers", True),
            ("page_size", "100"),
            ("cache", -1),
            ("cache", "300"),
            ("cache", float("nan")),
            ("verify", "missing.pem"),
            ("verify", 1),
            ("cert", "missing.pem"),
            ("cert", ["missing.pem", "key.pem"]),
            ("cert", 7),
            ("proxies", "http://proxy"),
            ("proxies", {"https": 1}),
            ("state_dir", True),
            ("state_dir", b"state"),
            ("state_dir", ""),
            ("state_dir", "~nobody_of_that_name/state"),
        ],
    )
    def test_refuses_a_value_of_the_wrong_kind(self, name: str, value: object) -> None:
        """Every other setting is checked, and named when it cannot be used."""
        with pytest.raises(ConfigError, match=f"^{name}"):
            settings(host=HOST, api_token="t", **{name: value})

    def test_suggests_the_timeout_that_was_meant(self) -> None:
        """An unknown timeout is an error with the nearest name."""
        with pytest.raises(ConfigError, match=r"timeout has no 'conect' \(did you mean 'connect'\?\)"):
            settings(host=HOST, api_token="t", timeout={"conect": 5})


class TestValues:
    def test_fills_the_timeouts_that_were_not_given(self) -> None:
        """Each timeout has its default; a `Timeout` is taken as it is."""
        assert Timeout(5, 60) == settings(host=HOST, api_token="t", timeout={"read": 60}).timeout
        assert Timeout(5, 30) == settings(host=HOST, api_token="t").timeout
        assert Timeout(1, 2) == settings(host=HOST, api_token="t", timeout=Timeout(1, 2)).timeout

    def test_takes_certificates_and_proxies(self, certificate: Path) -> None:
        """Paths that hold certificates and proxy addresses are kept."""
        path = certificate
        proxies = {"https": "http://proxy:3128"}
        found = settings(
            host=HOST, api_token="t", verify=str(path), cert=[str(path), str(path)], proxies=proxies
        )

        assert (str(path), (str(path), str(path)), proxies) == (found.verify, found.cert, found.proxies)

    @pytest.mark.parametrize("given", ["state", Path("state")], ids=["text", "path"])
    def test_keeps_the_folder_for_state_wherever_it_goes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: object
    ) -> None:
        """A relative folder is that of the moment at which it was given."""
        monkeypatch.chdir(tmp_path)

        assert tmp_path / "state" == settings(host=HOST, api_token="t", state_dir=given).state_dir

    def test_takes_the_folder_for_state_from_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An argument wins over the environment, and `False` is one."""
        monkeypatch.setenv("SYNAPSE_STATE_DIR", str(tmp_path))
        folders = [
            settings(host=HOST, api_token="t", state_dir=given).state_dir for given in (None, False, "/x")
        ]

        assert [tmp_path, False, Path("/x")] == folders

    def test_leaves_the_folder_for_state_to_the_platform(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a setting, or with an empty one, nothing is decided here."""
        monkeypatch.setenv("SYNAPSE_STATE_DIR", "")

        assert settings(host=HOST, api_token="t").state_dir is None

    def test_shows_no_secret(self) -> None:
        """Neither the tokens nor a proxy's password show in `repr`."""
        shown = repr(settings(host=HOST, api_token="s3cret", proxies={"https": "http://u:s3cret@proxy"}))

        assert "s3cret" not in shown

    def test_conceals_the_tokens_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A host and a tenant show, and travel, wherever they came from."""
        for name, value in {"HOST": HOST, "API_TOKEN": "s3cret", "TENANT": "acme"}.items():
            monkeypatch.setenv(f"SYNAPSE_{name}", value)
        made = Session()
        loaded = pickle.loads(pickle.dumps(made))

        assert (f"<Session {HOST} tenant=acme>", "'acme'") == (repr(loaded), repr(made.settings.tenant))
        assert "'***'" == repr(made.settings.api_token)

    def test_pickles_without_secrets(self) -> None:
        """A pickle of the settings holds no token, and of a proxy only its address."""
        made = settings(
            host=HOST, api_token="s3cret", retry=Retry(total=1), proxies={"https": "http://u:s3cret@p"}
        )
        pickled = pickle.dumps(made)
        loaded = pickle.loads(pickled)

        assert b"s3cret" not in pickled
        assert (None, {"https": "http://p"}) == (loaded.api_token, loaded.proxies)
        assert (1, HOST) == (loaded.retry.total, loaded.host)
