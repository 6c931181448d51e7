"""What sends a request: a `requests.Session` of our own, or one that the user gave."""

from __future__ import annotations

import io

from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import requests
import requests.adapters

from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from synapse.dialects import DEFAULT, Dialect
from synapse.errors import ConfigError, describe
from synapse.masking import Masker
from synapse.session.config import Settings
from synapse.session.connections import Connections
from synapse.session.network_settings import NetworkSettings, network_settings_for, shown
from synapse.session.origin import start_of

if TYPE_CHECKING:
    from synapse.dialects.wire import Body

_PACKED: Final = ("content-encoding", "content-length", "transfer-encoding")


@attrs.frozen
class Attempt:
    """One request, ready to be sent as often as needed; `label` names it in messages, `path` in traces.

    The whole answer must arrive within `read_limit` seconds. The body of a successful `streamed` attempt stays open,
    and the limit applies to each read of it; None means no limit. The whole query of a `signed` attempt is a secret.
    """

    method: str
    url: str = attrs.field(repr=False)
    label: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    connect_limit: float
    read_limit: float | None
    payload: bytes | None = attrs.field(default=None, repr=False)
    body: Body | None = None
    streamed: bool = False
    signed: bool = False
    once: bool = False
    divisible: bool = False
    harmless: bool = False
    dialect: Dialect = attrs.field(default=DEFAULT, repr=False)

    @property
    def query(self) -> str:
        """The secret part of the address."""
        return self.url.partition("?")[2] if self.signed else ""

    @property
    def shown(self) -> str:
        """The address without its secret part."""
        return self.url.partition("?")[0] + "?***" if self.query else self.url


class Sender(Protocol):
    """One way to send requests; its answers are read by whoever asked for them."""

    def network_settings(self, url: str) -> NetworkSettings:
        """Find the proxy and the certificates for an address."""
        ...

    def send(self, attempt: Attempt, body: Any, *, network: NetworkSettings) -> requests.Response:
        """Send once, and follow no redirect."""
        ...

    def close(self) -> None:
        """Free the sockets that are ours."""
        ...


class _Headers(dict[str, str]):
    """Headers that are found in any case, as tools for requests look for them; copying is cheap, as it is a `dict`."""

    def __missing__(self, name: str) -> str:
        for key, value in self.items():
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or any(key.lower() == str(name).lower() for key in self)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


class _Request(requests.PreparedRequest):
    """A request that shows an address without a query to what wraps `Session.send()`, such as a tracer.

    A query may hold a signature, and a tracer sends what it sees elsewhere. `Session.send()` reads the hooks right
    before it looks for an adapter: from there on, the address is whole.
    """

    whole: str

    @property
    def hooks(self) -> Any:
        self.url = self.whole
        return {}

    @hooks.setter
    def hooks(self, value: Any) -> None:
        pass


class _NoCookies(RequestsCookieJar):
    def extract_cookies(self, response: Any, request: Any) -> None:
        """Keep none."""


class _OwnSession(requests.Session):
    """A session of requests that keeps no cookies and leaves redirects to us."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self.cookies = _NoCookies()
        for scheme in ("https://", "http://"):
            self.mount(scheme, connections)

    def get_redirect_target(self, resp: requests.Response) -> None:
        # To find the next request, requests would read the whole of this answer.
        return None


class OwnSender:
    """Sends through connections of our own, by requests, so that tools that patch requests see each call once."""

    def __init__(self, settings: Settings, *, masker: Masker) -> None:
        self._settings = settings
        self._connections = Connections(workers=settings.workers)
        self._session = _OwnSession(self._connections)

    def network_settings(self, url: str) -> NetworkSettings:
        """Take what the session was given, and what the environment adds."""
        settings = self._settings
        return network_settings_for(url, proxies=settings.proxies, verify=settings.verify, cert=settings.cert)

    def send(self, attempt: Attempt, body: Any, *, network: NetworkSettings) -> requests.Response:
        """Send just these headers: nothing is added by requests."""
        request: Any = _Request()
        request.method, request.whole, request.body = attempt.method, attempt.url, body
        request.headers = _Headers(attempt.headers)
        if _is_unpatched():
            request.url = request.whole
            return self._connections.send(request, stream=True, timeout=_limits(attempt), **network.options)
        request.url = attempt.url.partition("?")[0]
        return self._session.send(
            request, stream=True, allow_redirects=False, timeout=_limits(attempt), **network.options
        )

    def close(self) -> None:
        """Free the sockets."""
        self._session.close()


class GivenSender:
    """Sends through a session of the user's; what that adds goes to the backend's origin only."""

    def __init__(self, session: requests.Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def network_settings(self, url: str) -> NetworkSettings:
        """Take what the user's session says, and the environment if it trusts that."""
        found: Any = self._session.merge_environment_settings(url, {}, None, None, None)
        proxy: str | None = requests.utils.select_proxy(url, found["proxies"])
        return NetworkSettings(
            found["proxies"], found["verify"], found["cert"], shown(proxy) if proxy else None
        )

    def send(self, attempt: Attempt, body: Any, *, network: NetworkSettings) -> requests.Response:
        """Send with the auth, the cookies and the headers of the user's session, or elsewhere with none of them."""
        check_adapter(attempt.url, self._session.get_adapter(attempt.url))
        at_home = start_of(attempt.url) == self._settings.base.origin
        request: Any = self._prepared(attempt, body) if at_home else self._bare(attempt, body)
        request.register_hook("response", _stay)
        try:
            return self._session.send(
                request, stream=True, allow_redirects=False, timeout=_limits(attempt), **network.options
            )
        except requests.HTTPError as error:
            # A hook called `raise_for_status()`: a refusal is an answer, not a connection that was lost.
            if error.response is None:
                raise
            return error.response

    def close(self) -> None:
        """Leave the user's session as it is."""

    def _prepared(self, attempt: Attempt, body: Any) -> requests.PreparedRequest:
        # A body that is read from a file has to be there before the auth, which rewinds it for the next try. Of an
        # empty one, requests would not tell the length.
        data = body if body is None or isinstance(body, bytes) or body.len else None
        # Any auth keeps requests from looking for one in .netrc, which would replace the user's token.
        auth = _no_auth if self._settings.user_token else None
        asked = requests.Request(
            attempt.method, attempt.url, headers=dict(attempt.headers), data=data, auth=auth
        )
        return self._session.prepare_request(asked)

    def _bare(self, attempt: Attempt, body: Any) -> requests.PreparedRequest:
        request: Any = requests.PreparedRequest()
        request.method, request.url, request.body = attempt.method, attempt.url, body
        request.headers = CaseInsensitiveDict(attempt.headers)
        for hook in self._session.hooks.get("response", ()):
            request.register_hook("response", hook)
        prepared: requests.PreparedRequest = request
        return prepared


def sender_for(settings: Settings, *, http: requests.Session | None, masker: Masker) -> Sender:
    """Choose how a session sends."""
    return OwnSender(settings, masker=masker) if http is None else GivenSender(http, settings)


def check(http: object, settings: Settings, *, given: Iterable[str]) -> None:
    """Refuse a session of requests that would break what is promised, before anything is sent."""
    if not isinstance(http, requests.Session):
        raise ConfigError(f"http takes a requests.Session, not {describe(http)}")
    if names := ", ".join(f"{name}=…" for name in given):
        raise ConfigError(f"{names} with http=…: set them on the requests.Session that you give")
    for prefix, adapter in http.adapters.items():
        check_adapter(prefix, adapter)
    if http.auth is not None and settings.user_token:
        raise ConfigError(
            "the requests.Session in http=… has an auth, and a user token goes in the same header: give an api token, "
            "or a session without auth"
        )


def check_adapter(prefix: str, adapter: object) -> None:
    """Refuse an adapter that repeats by itself, also one that was mounted after the session was made."""
    if _repeats(getattr(adapter, "max_retries", None)):
        raise ConfigError(
            f"the adapter for {start_of(prefix)} of the requests.Session in http=… repeats requests by itself, so a "
            "write could be done twice: mount one with max_retries=0, and give Session(retry=Retry(…))"
        )


def leave_connections(http: requests.Session) -> None:
    """Give a forked child connections of its own: its parent's, and the locks of their pools, are in use there."""
    for adapter in http.adapters.values():
        if isinstance(adapter, requests.adapters.HTTPAdapter):
            # As in a pickle, which leaves them behind.
            pickled: Any = adapter
            pickled.__setstate__(pickled.__getstate__())


def raw_of(response: requests.Response) -> Any:
    """Return the answer to be read, also where a hook of the user has read it."""
    if not getattr(response, "_content_consumed", False):
        return response.raw
    headers = {name: value for name, value in response.raw.headers.items() if name.lower() not in _PACKED}
    content = response.content
    headers["Content-Length"] = str(len(content))
    return HTTPResponse(io.BytesIO(content), headers, response.status_code, preload_content=False)


def _is_unpatched() -> bool:
    """Whether no tool has put itself in front of `requests.Session.send()`, which costs about 10 µs a call.

    A tool may have come before this module was loaded, so the function itself tells where it is from.
    """
    found: Any = requests.Session.send
    return type(found) is FunctionType and found.__code__.co_filename == requests.sessions.__file__


def _limits(attempt: Attempt) -> Any:
    return attempt.connect_limit, attempt.read_limit


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _stay(response: requests.Response, **_: Any) -> None:
    # Else requests reads the whole of a redirect, to find the request that would follow it.
    response.headers.pop("Location", None)


def _repeats(retries: Any) -> bool:
    total = getattr(retries, "total", retries)
    if total is None and retries is not None:
        # Without a total, a kind of error that has no limit of its own is repeated for ever.
        limits = [getattr(retries, kind, None) for kind in ("connect", "read", "status", "other")]
        return any(limit is None or limit for limit in limits)
    return bool(total)
