"""TLS is verified, and what a session was told about it holds for every call."""

from __future__ import annotations

import contextlib
import io
import ssl
import warnings

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from synapse import ConfigError, Session, SynapseError, TransportError, WriteUnconfirmedError
from synapse.dialects import Request
from synapse.session import Retry, UnverifiedTLSWarning
from tests.amounts import part
from tests.faults.conftest import MakeFile, Place
from tests.faults.deeds import MakeDeed, check, chunks, once_more, upload
from tests.faults.every import CALLS, Keys, World
from tests.faults.hostile import FIRST, MIDDLE, Act, Backend, Proxy, close, reset
from tests.faults.tls import NAME, Certificates, Forward, Greeter, garbage, gone, plain, silent
from tests.sandbox.wire import Wire
from tests.servers import Server, reply

Secured = Callable[..., Session]


@pytest.fixture
def secured(certificates: Certificates, tmp_path: Path) -> Iterator[Secured]:
    """Open sessions that trust our authority and try once."""
    made: list[Session] = []

    def make(url: str, **options: Any) -> Session:
        usual: dict[str, Any] = {
            "api_token": "syn_0123456789abcdef",
            "verify": certificates.bundle,
            "retry": Retry(total=0),
        }
        made.append(Session(url, **{**usual, "state_dir": tmp_path / "state", **options}))
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture(scope="module")
def impostor(certificates: Certificates) -> Iterator[Proxy]:
    """Stand in the place of a backend, with a certificate that nobody vouches for."""
    with Server(reply(data={})) as server:
        address = ("127.0.0.1", int(server.origin.rpartition(":")[2]))
        with Proxy(address, secure=certificates.foreign()) as front:
            yield front


class Empty:
    """A body of one byte."""

    content_type = "image/png"
    length = 1

    def open(self) -> io.BytesIO:
        """Return what is sent."""
        return io.BytesIO(b"1")


def rename(session: Session) -> None:
    """Write something."""
    session.projects.create(title="TLS", category="image")


class TestCertificates:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            (Certificates.elsewhere, "IP address mismatch"),
            (Certificates.expired, "certificate has expired"),
            (Certificates.foreign, "unable to get local issuer certificate"),
        ],
        ids=["other-host", "expired", "unknown-authority"],
    )
    def test_that_do_not_fit_are_refused(
        self,
        certificates: Certificates,
        backend: Backend,
        secured: Secured,
        kind: Callable[[Certificates], ssl.SSLContext],
        words: str,
    ) -> None:
        """Nothing is sent, at once and once only, and the error names the setting; a write was surely not made."""
        with Proxy(backend.address, secure=kind(certificates)) as front:
            session = secured(front.url, retry=Retry(total=3))
            with session.trace() as calls, pytest.raises(TransportError) as caught:
                rename(session)

            assert TransportError is type(caught.value)
            assert f"the certificate was not accepted: {words}" in str(caught.value)
            assert str(caught.value).endswith("(see verify=…). Nothing was written")
            assert (1, []) == (len(calls), front.received)

    @pytest.mark.parametrize("name", part([*CALLS, "put", "lines"], 1))
    def test_of_an_unknown_authority_hear_no_call(
        self, impostor: Proxy, secured: Secured, tmp_path: Path, name: str
    ) -> None:
        """Nor an upload, a download, a stream: nothing of any call arrives."""
        session = secured(impostor.url, agent_token="agent_0123456789")
        keys = Keys(address=f"{impostor.url}/f/a.png?X-Amz-Signature=s", agent_token="a" * 40)
        with contextlib.suppress(SynapseError):
            if name == "put":
                session.put(keys.address, Empty(), read_timeout=5)
            elif name == "lines":
                session.lines(Request("GET", "jobs/7/tail/")).__enter__()
            else:
                CALLS[name].do(World(session, tmp_path, keys))

        assert [] == impostor.received

    def test_of_an_unknown_authority_are_refused_by_default(
        self, certificates: Certificates, backend: Backend, secured: Secured
    ) -> None:
        """Without a word about it, only the public authorities count."""
        with Proxy(backend.address, secure=certificates.server()) as front:
            with pytest.raises(TransportError, match="certificate was not accepted"):
                secured(front.url, verify=None).projects.count()

            assert [] == front.received

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_may_be_vouched_for_by_the_environment(
        self,
        certificates: Certificates,
        backend: Backend,
        secured: Secured,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
    ) -> None:
        """The bundles that requests looks for are used."""
        monkeypatch.setenv(variable, certificates.bundle)
        with Proxy(backend.address, secure=certificates.server()) as front:
            session = secured(front.url, api_token=backend.sandbox.api_token, verify=None)

            assert session.projects.count() >= 0

    def test_bundle_of_the_environment_that_is_none(
        self, secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A file that holds no certificates is a setting that cannot be used, and no lost connection."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE: there is no file"):
            rename(secured("https://127.0.0.1:9", verify=None))

    def test_that_are_gone_since(self, secured: Secured, certificates: Certificates, tmp_path: Path) -> None:
        """A bundle that was removed while the session was open is told, and nothing is sent."""
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(Path(certificates.bundle).read_bytes())
        session = secured("https://127.0.0.1:9", verify=str(bundle))
        bundle.unlink()
        with pytest.raises(ConfigError, match="the file of certificates is gone"):
            rename(session)

    def test_without_checks_for_a_whole_walk(
        self, certificates: Certificates, backend: Backend, secured: Secured
    ) -> None:
        """`verify=False` is said once, at the line that asks for it, and then works without a word."""
        with Proxy(backend.address, secure=certificates.foreign()) as front:
            with pytest.warns(UnverifiedTLSWarning, match="anyone on the way can read the token") as caught:
                session = secured(front.url, api_token=backend.sandbox.api_token, verify=False)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                session.projects.count()
                rename(session)

        assert [__file__] == [each.filename for each in caught]


class TestSettings:
    @pytest.mark.parametrize("content", [b"", b"no certificate", None], ids=["empty", "text", "folder"])
    def test_bundle_that_is_none_is_refused(
        self, secured: Secured, tmp_path: Path, content: bytes | None
    ) -> None:
        """What holds no certificates is refused as the session is made; an empty folder may be filled later."""
        path = tmp_path / "ca"
        if content is None:
            path.mkdir()
            secured("https://api.test", verify=str(path))
            return
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="verify: .* cannot be read as certificates in PEM form"):
            secured("https://api.test", verify=str(path))

    def test_certificate_without_its_key_is_refused(
        self, secured: Secured, certificates: Certificates
    ) -> None:
        """A client certificate needs its own key, in its file or beside it."""
        for cert in (
            certificates.certificate,
            (certificates.certificate, certificates.foreign_client),
            (certificates.certificate, certificates.key, certificates.key),
        ):
            with pytest.raises(ConfigError, match="^cert must"):
                secured("https://api.test", cert=cert)

    def test_key_with_a_password_is_refused(self, secured: Secured, certificates: Certificates) -> None:
        """Nobody is asked for a password at a terminal that may not be there."""
        with pytest.raises(ConfigError, match="its key needs a password"):
            secured("https://api.test", cert=(certificates.certificate, certificates.locked_key))


class TestClientCertificates:
    def test_are_shown(self, certificates: Certificates, backend: Backend, secured: Secured) -> None:
        """One file or two, as requests takes them."""
        with Proxy(backend.address, secure=certificates.server(asks=True)) as front:
            for cert in (certificates.client, (certificates.certificate, certificates.key)):
                session = secured(front.url, api_token=backend.sandbox.api_token, cert=cert)

                assert session.projects.count() >= 0

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
    def test_that_are_missing_are_asked_for(
        self, certificates: Certificates, backend: Backend, secured: Secured, version: ssl.TLSVersion
    ) -> None:
        """The server's refusal comes before any request, even where it is read after one was written."""
        context = certificates.server(asks=True)
        context.minimum_version = context.maximum_version = version
        with Proxy(backend.address, secure=context) as front:
            with pytest.raises(
                TransportError, match=r"client certificate.* \(see cert=…\)\. Nothing was written$"
            ) as caught:
                rename(secured(front.url))

            assert TransportError is type(caught.value)
            assert [] == front.received

    def test_of_a_stranger_are_refused(
        self, certificates: Certificates, backend: Backend, secured: Secured
    ) -> None:
        """A certificate that the server does not know is told as such."""
        with Proxy(backend.address, secure=certificates.server(asks=True)) as front:
            with pytest.raises(TransportError, match="does not accept the client certificate") as caught:
                rename(secured(front.url, cert=certificates.foreign_client))

            assert TransportError is type(caught.value)


class TestHandshake:
    @pytest.mark.parametrize(
        ("act", "words"),
        [
            (silent, r"no connection within 0\.2 s"),
            (gone, "TLS could not be agreed on"),
            (garbage, "(TLS could not be agreed on|does not speak TLS)"),
            (plain, "does not speak TLS"),
        ],
        ids=["silent", "gone", "garbage", "plain"],
    )
    @pytest.mark.parametrize("tunnel", [False, True], ids=["direct", "tunnel"])
    def test_that_breaks_off_sent_nothing(self, secured: Secured, act: Any, words: str, tunnel: bool) -> None:
        """A write behind a handshake that failed was not made, and says so by its type."""
        with Greeter(act) as greeter, Forward(greeter.address) as forward:
            proxies = {"https": forward.url} if tunnel else None
            url = f"https://127.0.0.1:{greeter.address[1]}"
            limit = 0.2 if act is silent else 10  # only silence is waited for to its end
            session = secured(url, proxies=proxies, timeout={"connect": limit, "read": 5})
            with pytest.raises(TransportError, match=words) as caught:
                rename(session)

            assert TransportError is type(caught.value)
            assert 1 == greeter.met

    def test_that_broke_off_is_tried_again(self, certificates: Certificates, secured: Secured) -> None:
        """What was not sent may be repeated, writes too."""
        with Greeter(gone) as greeter:
            session = secured(f"https://127.0.0.1:{greeter.address[1]}", retry=Retry(total=2, backoff=0.001))
            with pytest.raises(TransportError, match=r"TLS could not be agreed on \(3 attempts\)\. Nothing"):
                rename(session)

            assert 3 == greeter.met


def test_a_write_cut_within_its_answer_stays_unconfirmed(
    certificates: Certificates, backend: Backend, secured: Secured
) -> None:
    """Once a request has gone through TLS, a lost answer is no proof that nothing happened."""
    with Proxy(backend.address, secure=certificates.server()) as front:
        front.harm("POST", close, of="answer", at=FIRST)
        with pytest.raises(WriteUnconfirmedError):
            rename(secured(front.url, api_token=backend.sandbox.api_token))

        assert 1 == len(front.requests("POST"))


class TestBodies:
    @pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
    @pytest.mark.parametrize(
        ("make", "pattern"), [(upload, "POST /data_files/$"), (chunks, "PUT /chunked_upload/.")]
    )
    def test_that_break_off_are_sent_again(
        self,
        certificates: Certificates,
        backend: Backend,
        place: Place,
        make_file: MakeFile,
        secured: Secured,
        make: MakeDeed,
        pattern: str,
        act: Act,
    ) -> None:
        """What is lost within TLS is told apart as it is without: nothing untrue, and the file is there once."""
        with Proxy(backend.address, secure=certificates.server()) as front:
            deed = make(place, secured(front.url, api_token=backend.sandbox.api_token))
            path = make_file(size=3_000_000 if make is upload else 3000)
            front.harm(pattern, act, at=MIDDLE)
            check(deed, path, error=deed.tried(path))

            once_more(make, deed, path)


@attrs.define
class Guarded:
    """What stands between a session and its backend."""

    backend: Backend
    front: Proxy
    forward: Forward
    session: Session
    folder: Path
    keys: Keys | None = None

    def world(self) -> World:
        """Give what the calls are made on, with rows that no call has used up."""
        if self.keys is None:
            keys = Keys.of(Wire(self.backend.url, self.backend.sandbox.api_token))
            self.keys = attrs.evolve(keys, address=keys.address.removeprefix(self.backend.url))
        return World(self.session, self.folder, self.keys)


@pytest.fixture(scope="module")
def guarded(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A backend that shows and demands certificates, at a name that only a proxy with a password knows."""
    folder = tmp_path_factory.mktemp("guarded")
    with (
        Backend(folder / "backend", seed="demo", allow_hosts=[NAME]) as backend,
        Proxy(backend.address, secure=certificates.server(asks=True)) as front,
        Forward(("127.0.0.1", 9), tunnels=front.here, wants="me:pass word") as forward,
    ):
        proxy = forward.url.replace("://", "://me:pass%20word@")
        session = Session(
            f"https://{NAME}",
            api_token=backend.sandbox.api_token,
            verify=certificates.bundle,
            cert=certificates.client,
            proxies={"https": proxy},
            state_dir=folder / "state",
        )
        yield Guarded(backend, front, forward, session, folder)
        session.close()


@pytest.mark.parametrize("name", part(CALLS, 0, of=6))
def test_every_call_goes_through_it(guarded: Guarded, name: str) -> None:
    """Client certificate, authority and proxy hold for every call that the SDK has: there is no other way in."""
    before = len(guarded.front.received)
    CALLS[name].do(guarded.world())
    if "delete" in name or "create" in name:
        guarded.keys = None

    assert len(guarded.front.received) > before
    assert not [each for each in guarded.forward.received if each.method != "CONNECT"]
    assert not [each for each in guarded.front.received if "proxy-authorization" in each.headers]
    assert {f"{NAME}:443"} == {each.target for each in guarded.forward.tunnels}
