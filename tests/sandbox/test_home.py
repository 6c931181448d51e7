"""The page at `/`, to which the admin page leads as well."""

from __future__ import annotations

import re

from html import unescape

import pytest
import requests

from synapse.sandbox import Sandbox
from tests.sandbox.wire import Wire, log_in


def page_of(box: Sandbox, **headers: str) -> requests.Response:
    """Read the page without any token."""
    return requests.get(f"{box.url}/", headers=headers, timeout=30)


@pytest.fixture(scope="module")
def page(served: Sandbox) -> str:
    """What a browser beside the sandbox is shown."""
    Wire(served.url, served.api_token).data_file(name="<b>newest</b>.png")
    answer = page_of(served)
    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"]), (
        answer.text
    )
    return answer.text


class TestAtThisMachine:
    def test_says_how_to_connect(self, served: Sandbox, page: str) -> None:
        """With the address, and without the token: whoever started it has that."""
        assert f'synapse.connect("{served.url}", api_token="syn_…")' in page
        assert [] == [
            each for each in (served.api_token, served.agent_token, served.admin_password) if each in page
        ]

    def test_is_korean_for_those_who_read_it(self, served: Sandbox) -> None:
        """All of it, the names of the tables too."""
        text = page_of(served, **{"Accept-Language": "ko"}).text
        words = re.sub(
            r"<style>.*?</style>|<pre>.*?</pre>|<figure>.*?</figure>|<[^>]+>", " ", text, flags=re.DOTALL
        )

        assert ('<html lang="ko">' in text, "데이터 컬렉션" in words, "스토리지" in words) == (
            True,
            True,
            False,
        )
        assert {"Synapse", "English"} == set(re.findall(r"[A-Za-z]{3,}", words))

    def test_counts_what_is_in_it(self, served: Sandbox, page: str) -> None:
        """Each number leads to the admin page of its table."""
        found = dict(re.findall(r'<a href="/admin/sandbox/(\w+)/">[\w ]+</a></td><td>(\d+)</td>', page))

        assert {"project", "task", "datafile", "job"} <= set(found)
        assert int(found["datafile"]) > 0

    def test_shows_the_newest_pictures(self, page: str) -> None:
        """By addresses that can be read, and under names that do nothing."""
        address = unescape(re.findall(r'<img src="([^"]+)"', page)[0])

        assert "image/png" == requests.get(address, timeout=30).headers["Content-Type"]
        assert "<b>newest" not in page

    def test_runs_nothing(self, served: Sandbox) -> None:
        """It has no scripts, and takes none."""
        assert "default-src 'none'" in page_of(served).headers["Content-Security-Policy"]


class TestElsewhere:
    @pytest.mark.parametrize("host", ["front.example", "localhost"])
    def test_shows_nothing_of_what_is_in_it(self, fronted: Sandbox, host: str) -> None:
        """Where others may reach it, an address of a file would be everybody's."""
        page = page_of(fronted, Host=host).text

        assert (True, False, False) == ("synapse.connect(" in page, "<img" in page, "<td>" in page)

    def test_shows_it_to_those_who_have_logged_in(self, fronted: Sandbox) -> None:
        """The admin page is theirs too."""
        page = log_in(fronted).get(f"{fronted.url}/", timeout=30).text

        assert 12 == page.count("<img")
        assert '<a href="/admin/sandbox/task/">Tasks</a>' in page
