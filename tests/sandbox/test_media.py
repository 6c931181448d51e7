"""Stored files over HTTP: whole, by range, conditionally, and never anything else of the disk."""

from __future__ import annotations

import http.client

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from synapse.sandbox import Sandbox
from tests.sandbox.wire import Wire, log_in, md5

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def address(wire: Wire) -> str:
    """The address of a stored file of about a megabyte."""
    return str(wire.data_file(CONTENT)["file"])


def fetch(address: str, **headers: str) -> requests.Response:
    """Read an address without any token."""
    return requests.get(
        address, headers={name.replace("_", "-"): v for name, v in headers.items()}, timeout=30
    )


class TestSignature:
    @pytest.mark.parametrize("query", ["", "sig=", "sig=0", "sig=" + "0" * 32, "sig=é"])
    def test_is_needed(self, address: str, query: str) -> None:
        """A checksum and a name are no secrets: who knows them gets nothing."""
        assert 404 == fetch(f"{address.partition('?')[0]}?{query}").status_code

    def test_is_of_one_file(self, wire: Wire, address: str) -> None:
        """That of another file opens nothing."""
        other = str(wire.data_file()["file"])

        assert 404 == fetch(f"{address.partition('?')[0]}?{other.partition('?')[2]}").status_code

    def test_stays_the_same(self, wire: Wire, address: str) -> None:
        """Addresses can be kept."""
        assert address == wire.data_file(CONTENT)["file"]

    def test_is_in_the_links_of_the_admin_page(self, served: Sandbox, wire: Wire) -> None:
        """Whoever has logged in there follows them."""
        made = wire.data_file(b"linked from the admin page")
        page = log_in(served).get(f"{served.admin_url}sandbox/datafile/{made['id']}/change/", timeout=30).text

        assert urlsplit(made["file"]).query in page


class TestWhole:
    def test_needs_no_token(self, address: str) -> None:
        """Anyone who has the address gets the file, with its length and version."""
        answer = fetch(address)

        assert (200, str(len(CONTENT))) == (answer.status_code, answer.headers["Content-Length"])
        assert md5(CONTENT) == md5(answer.content)
        assert "image/png" == answer.headers["Content-Type"]
        assert answer.headers["ETag"] and answer.headers["Last-Modified"]

    def test_head_answers_the_length_only(self, address: str) -> None:
        """HEAD tells the size and sends nothing."""
        answer = requests.head(address, timeout=30)

        assert (200, str(len(CONTENT)), b"") == (
            answer.status_code,
            answer.headers["Content-Length"],
            answer.content,
        )

    def test_unchanged_file_is_not_sent_again(self, address: str) -> None:
        """A client that has this version is told so."""
        assert 304 == fetch(address, If_None_Match=fetch(address).headers["ETag"]).status_code

    def test_uploaded_pages_do_not_run(self, wire: Wire) -> None:
        """A page that somebody uploaded is shut into a sandbox of its own."""
        answer = fetch(wire.data_file(b"<script>alert(1)</script>", name="page.html")["file"])

        assert ("sandbox", "nosniff") == (
            answer.headers["Content-Security-Policy"],
            answer.headers["X-Content-Type-Options"],
        )

    def test_other_methods_are_refused(self, address: str) -> None:
        """Files are only read."""
        assert 405 == requests.put(address, data=b"x", timeout=30).status_code


class TestRange:
    @pytest.mark.parametrize(
        ("wanted", "start", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=5-10", 5, 11),
            ("bytes=1000000-", 1_000_000, len(CONTENT)),
            ("bytes=-100", len(CONTENT) - 100, len(CONTENT)),
            ("bytes=-99999999", 0, len(CONTENT)),
            ("bytes=1000-99999999", 1000, len(CONTENT)),
        ],
    )
    def test_part_is_answered(self, address: str, wanted: str, start: int, end: int) -> None:
        """A single range is answered with just that part and its place."""
        answer = fetch(address, Range=wanted)

        assert (206, md5(CONTENT[start:end])) == (answer.status_code, md5(answer.content))
        assert f"bytes {start}-{end - 1}/{len(CONTENT)}" == answer.headers["Content-Range"]
        assert str(end - start) == answer.headers["Content-Length"]

    @pytest.mark.parametrize("wanted", [f"bytes={len(CONTENT)}-", "bytes=99999999-", "bytes=-0"])
    def test_range_past_the_end_is_refused(self, address: str, wanted: str) -> None:
        """A range that has nothing of the file is a 416 with the file's size."""
        answer = fetch(address, Range=wanted)

        assert (416, f"bytes */{len(CONTENT)}") == (answer.status_code, answer.headers["Content-Range"])

    @pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6"])
    def test_anything_else_is_the_whole_file(self, address: str, wanted: str) -> None:
        """What is not one valid range is ignored, as HTTP allows."""
        assert (200, md5(CONTENT)) == (
            (answer := fetch(address, Range=wanted)).status_code,
            md5(answer.content),
        )

    def test_range_of_another_version_is_the_whole_file(self, address: str) -> None:
        """A resumed download starts afresh when the file is not the one it began with."""
        assert 200 == fetch(address, Range="bytes=5-10", If_Range='"other"').status_code
        assert 206 == fetch(address, Range="bytes=5-10", If_Range=fetch(address).headers["ETag"]).status_code

    def test_empty_file_has_no_ranges(self, wire: Wire) -> None:
        """Nothing of an empty file can be had."""
        address = wire.post("chunked_upload/", {"md5": "d41d8cd98f00b204e9800998ecf8427e"}).json()["file"]

        assert 416 == fetch(address, Range="bytes=0-").status_code


class TestEscape:
    @pytest.mark.parametrize(
        "path",
        [
            "/media/../secret.key",
            "/media/%2e%2e/secret.key",
            "/media/..%2fsecret.key",
            "/media/files/../../secret.key",
            "/media//etc/passwd",
            "/media/%2fetc/passwd",
            "/media/",
            "/media/files",
            "/media/files/%00",
            "/media/..",
        ],
    )
    def test_nothing_outside_the_folder_is_answered(self, wire: Wire, path: str) -> None:
        """No way of writing a path leads out of the folder or lists it."""
        connection = http.client.HTTPConnection(urlsplit(wire.url).netloc, timeout=30)
        connection.request("GET", path)

        assert 404 == connection.getresponse().status
        connection.close()

    def test_links_do_not_lead_outside(self, wire: Wire, data_dir: Path) -> None:
        """A link that somebody put into the folder is not followed out of it."""
        (data_dir / "media").mkdir(exist_ok=True)
        (data_dir / "media" / "link").symlink_to(data_dir / "secret.key")

        assert 404 == fetch(f"{wire.url}/media/link").status_code
