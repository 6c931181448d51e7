"""Proxies and certificates, checked before anything is sent."""

from __future__ import annotations

import warnings

from pathlib import Path
from typing import Any

import pytest

from synapse.errors import ConfigError
from synapse.session import UnencryptedHTTPWarning, UnverifiedTLSWarning, network_settings
from synapse.session.network_settings import (
    check_bundle,
    check_cert,
    check_proxy,
    network_settings_for,
    proxies_of,
    shown,
)
from synapse.testing import canned
from tests.unit.session.conftest import Connect

URL = "https://api.test/tasks/"


@pytest.fixture(autouse=True)
def no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without the bundles of whoever runs the tests."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


class TestFind:
    def test_verifies_by_default(self) -> None:
        """Without a word, certificates are checked and no proxy is used."""
        found = network_settings_for(URL, proxies=None, verify=None, cert=None)

        assert (True, None, None) == (found.verify, found.cert, found.proxy)

    def test_bundle_of_the_environment(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It counts unless the session was told another one, or none."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        given: list[Any] = [None, True, False, "mine.pem"]
        found = [network_settings_for(URL, proxies=None, verify=each, cert=None).verify for each in given]

        assert [str(certificate), str(certificate), False, "mine.pem"] == found

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_names_the_variable(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error says which of the two is wrong."""
        monkeypatch.setenv(name, "/missing.pem")
        with pytest.raises(ConfigError, match=f"^{name}: there is no file '/missing.pem'$"):
            network_settings_for(URL, proxies=None, verify=None, cert=None)

    def test_password_for_an_address_without_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment may have the password of the very proxy that was given, and of no other."""
        monkeypatch.setenv("https_proxy", "http://me:word@proxy:3128")
        found = [
            network_settings_for(URL, proxies={"https": f"http://{proxy}"}, verify=None, cert=None)
            for proxy in ("proxy:3128", "other:3128")
        ]

        assert ["http://me:word@proxy:3128", "http://other:3128"] == [each.proxies["https"] for each in found]
        assert ["http://proxy:3128", "http://other:3128"] == [each.proxy for each in found]
        assert "word" not in repr(found)

    @pytest.mark.parametrize(
        ("host", "expected"),
        [("files.test", None), ("a.files.test", None), ("api.test", "http://proxy:3128")],
    )
    def test_no_proxy_of_the_argument(self, host: str, expected: str | None) -> None:
        """It counts for the proxies that were given beside it."""
        proxies = {"https": "http://proxy:3128", "no_proxy": "localhost,files.test"}

        assert (
            expected
            == network_settings_for(f"https://{host}/a", proxies=proxies, verify=None, cert=None).proxy
        )


class TestProxies:
    @pytest.mark.parametrize(
        "given",
        [
            None,
            {},
            {"https": "http://proxy:3128", "http": "proxy:3128", "all": "socks5h://proxy"},
            {"https://files.test": "https://me:word@proxy", "all://files.test": ""},
            {"no_proxy": "localhost,10.0.0.0/8"},
        ],
    )
    def test_are_taken_as_requests_takes_them(self, given: Any) -> None:
        """By scheme, by host, for all, for none."""
        assert given == proxies_of(given)

    @pytest.mark.parametrize(
        ("proxy", "expected"),
        [
            ("http://me:word@proxy:3128", "http://proxy:3128"),
            ("http://me:a@b://c@proxy", "http://proxy"),
            ("me:word@proxy:3128", "proxy:3128"),
            ("proxy:3128", "proxy:3128"),
        ],
    )
    def test_are_shown_without_a_password(self, proxy: str, expected: str) -> None:
        """However it is written."""
        assert expected == shown(proxy)

    def test_scheme_is_named(self) -> None:
        """One that no proxy has is told, with those that they have."""
        with pytest.raises(ConfigError, match="^here has the scheme 'ftp': use one of http, https, socks4"):
            check_proxy("ftp://me:word@proxy", setting="here")


class TestCertificates:
    def test_folder_of_authorities(self, tmp_path: Path) -> None:
        """A folder is read as OpenSSL reads it, when it is needed."""
        check_bundle(str(tmp_path), setting="verify")

    def test_cert_and_key_in_one_file_or_two(self, certificate: Path) -> None:
        """Both ways of requests."""
        check_cert(str(certificate))
        check_cert((str(certificate), str(certificate)))


class TestUnverified:
    def test_is_said_where_the_session_is_made(self, connect: Connect) -> None:
        """By the file of the user, not by ours."""
        with pytest.warns(UnverifiedTLSWarning, match=r"give verify='/path/to/ca\.pem'") as caught:
            connect("https://api.test", verify=False)

        assert [connect.__code__.co_filename] == [each.filename for each in caught]

    @pytest.mark.parametrize("verify", [None, True])
    def test_is_not_said_otherwise(self, connect: Connect, verify: bool | None) -> None:
        """Nothing is said where certificates are checked."""
        connect("https://api.test", verify=verify)


class TestUnencrypted:
    @pytest.fixture(autouse=True)
    def forget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Start as a process that has not warned yet."""
        monkeypatch.setattr(network_settings, "_unencrypted", set[str]())

    @pytest.mark.parametrize(
        "host", ["http://api.test", "http://10.0.0.5:8000", "http://[fd00::1]", "HTTP://LOCALHOST.evil"]
    )
    def test_is_said_once_for_each_host(self, connect: Connect, host: str) -> None:
        """By the line that made the first session; the path below it makes no other host."""
        with pytest.warns(UnencryptedHTTPWarning, match="plain http, to another machine") as caught:
            connect(host)
            connect(f"{host}/prefix")

        assert [connect.__code__.co_filename] == [each.filename for each in caught]

    @pytest.mark.parametrize(
        "host",
        [
            *(
                "http://localhost:8000",
                "http://LocalHost.",
                "http://app.localhost",
                "http://127.0.0.1:1",
                "http://127.8.9.10",
            ),
            *(
                "http://[::1]:8000",
                "http://[::ffff:127.0.0.1]",
                "http://0.0.0.0:8000",
                "https://api.test",
                "https://10.0.0.5",
            ),
        ],
    )
    def test_is_not_said_of_this_machine_or_tls(
        self, connect: Connect, recwarn: pytest.WarningsRecorder, host: str
    ) -> None:
        """What does not leave the machine, or is encrypted, is read by nobody."""
        connect(host)

        assert [] == list(recwarn)

    def test_can_be_made_an_error(self, connect: Connect) -> None:
        """A filter that forbids it does so every time."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnencryptedHTTPWarning)
            for _ in range(2):
                with pytest.raises(UnencryptedHTTPWarning):
                    connect("http://api.test")


def test_bundles_and_certificates_are_found_at_home(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path with a leading `~` is one below the home folder, in settings and in the environment."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "ca.pem").write_bytes(certificate.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "~/ca.pem")
    told = canned({}, verify="~/ca.pem", cert=("~/ca.pem", "~/ca.pem")).settings
    found = network_settings_for("https://api.test/", proxies=None, verify=None, cert=None)

    ca = str(tmp_path / "ca.pem")
    assert (ca, (ca, ca), ca) == (told.verify, told.cert, found.verify)
