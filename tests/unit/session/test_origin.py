"""Base addresses, and links that may or may not be followed."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.errors import ConfigError, OriginError, QueryError
from synapse.session.origin import Base, origin_of

BASE = Base.parse("https://api.example.com/prefix")


class TestParse:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("https://api.example.com", "https://api.example.com"),
            ("https://api.example.com/", "https://api.example.com"),
            ("HTTPS://API.Example.com.:443/", "https://api.example.com"),
            ("http://10.0.0.1:3000/api/", "http://10.0.0.1:3000/api"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://localhost:443", "http://localhost:443"),
            ("https://BÜCHER.example./a", "https://xn--bcher-kva.example/a"),
            ("https://api。example。com", "https://api.example.com"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ],
    )
    def test_normalises(self, host: str, expected: str) -> None:
        """Case, default ports, trailing dots and slashes do not matter."""
        assert expected == Base.parse(host).url

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "api.example.com",
            "//api.example.com",
            "ftp://api.example.com",
            "https://",
            "https://user@evil/",
            "https://user:word@evil/",
            "https://@evil/",
            "https://api.example.com?x=1",
            "https://api.example.com#x",
            "https://api.example.com?",
            "https://api.example.com\\@evil",
            "https://api.example.com\n",
            " https://api.example.com",
            "https://api.example.com:port",
            "https://api.example.com:99999",
            "https://[::1",
            "https://[::1::2]",
            "https://bücher..example",
            f"https://{'ü' * 80}.example",
            "https://api.example.com/a/../b",
            None,
            7,
            b"https://api.example.com",
        ],
    )
    def test_refuses_what_is_no_base_address(self, host: object) -> None:
        """Anything but scheme, host, port and path is refused, naming the setting and not the value."""
        with pytest.raises(ConfigError, match="^SYNAPSE_HOST ") as caught:
            Base.parse(host, setting="SYNAPSE_HOST")

        assert "word" not in str(caught.value)


class TestFollow:
    @pytest.mark.parametrize(
        ("link", "expected"),
        [
            ("https://api.example.com/tasks/?page=2", "https://api.example.com/tasks/?page=2"),
            ("HTTPS://API.EXAMPLE.COM.:443/tasks/", "https://api.example.com/tasks/"),
            ("//api.example.com/tasks/", "https://api.example.com/tasks/"),
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com/한/?q=한 글#top", "https://api.example.com/%ED%95%9C/?q=%ED%95%9C"),
        ],
    )
    def test_rebuilds_a_link_of_the_own_origin(self, link: str, expected: str) -> None:
        """A link to the same origin is followed, however it is spelt."""
        assert expected == BASE.locate(link.replace(" 글", ""))

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.com/tasks/",
            "http://api.example.com/tasks/",
            "https://api.example.com:8443/tasks/",
            "https://api.example.com.evil.com/",
            "https://evil.com\\@api.example.com/",
            "https://api.example.com\\@evil.com/",
            "https://user@api.example.com/",
            "//evil.com/tasks/",
            "\\\\evil.com/tasks/",
            " https://evil.com/",
            "ftp://api.example.com/",
            "https://[::1/",
        ],
    )
    def test_refuses_every_other_origin(self, link: str) -> None:
        """A link that leads elsewhere, or that two parsers could read differently, is refused."""
        with pytest.raises(OriginError, match="https://api.example.com"):
            BASE.locate(link)

    def test_names_both_origins(self) -> None:
        """The error says from where to where, without path or query."""
        with pytest.raises(OriginError, match=r"https://api\.example\.com to https://evil\.com;"):
            BASE.locate("https://evil.com/?token=1")

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_never_leaves_the_origin(self, start: str, end: str) -> None:
        """Whatever the path, the address is on the own origin, or refused."""
        for path in (start, f"{start}//evil.com{end}", f"https:{start}{end}"):
            try:
                url = BASE.locate(path)
            except Exception as error:
                assert type(error).__name__ in ("OriginError", "QueryError")
            else:
                assert BASE.origin == origin_of(url)


class TestRelative:
    def test_removes_the_prefix_and_the_query(self) -> None:
        """Messages name the path below the base address."""
        assert "/tasks/" == BASE.relative("https://api.example.com/prefix/tasks/?page=2")

    def test_keeps_a_path_beside_the_prefix(self) -> None:
        """A path that is not below the base address is named whole."""
        assert "/prefixed/" == BASE.relative("https://api.example.com/prefixed/")


class TestLoneSurrogates:
    def test_stand_in_no_path(self) -> None:
        """Such a path may come from the backend, as the address of an upload."""
        with pytest.raises(QueryError, match="lone surrogates"):
            Base.parse("https://api.example.com").locate("chunked_upload/\ud800/")

    def test_stand_in_no_link(self) -> None:
        """JSON can hold them, an address cannot."""
        with pytest.raises(OriginError, match="half of a surrogate pair"):
            Base.parse("https://api.example.com").follow("?\ud800", start="https://api.example.com/tasks/")
