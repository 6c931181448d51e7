"""A plain HTTP client of the sandbox, for tests that look at the wire itself."""

from __future__ import annotations

import hashlib
import re
import uuid

from typing import Any

import requests

from synapse.sandbox import Sandbox

CHUNK = bytes(range(256)) * 4


class Wire:
    """Speaks to one sandbox with one token."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.headers = {"Synapse-Access-Token": f"Token {token}"} if token else {}

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request; a path may be a whole address too."""
        address = path if path.startswith("http") else f"{self.url}/{path}"
        headers = self.headers | options.pop("headers", {})
        return requests.request(method, address, headers=headers, **{"timeout": 60, **options})

    def get(self, path: str, **options: Any) -> Any:
        """Read an answer that must be a 200."""
        answer = self.send("GET", path, **options)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Send a JSON body."""
        return self.send("POST", path, **({"json": body} if body is not None else {}), **options)

    def create(self, path: str, body: Any) -> Any:
        """Create something and return it."""
        answer = self.post(path, body)
        assert answer.status_code == 201, (answer.status_code, answer.text)
        return answer.json()

    def put_chunk(
        self, content: bytes, *, start: int = 0, total: int | None = None, to: str = ""
    ) -> requests.Response:
        """Send one chunk of an upload."""
        end, size = start + len(content) - 1, len(content) if total is None else total
        return self.send(
            "PUT",
            to or "chunked_upload/",
            headers={"Content-Range": f"bytes {start}-{end}/{size}"},
            data={"filename": "scan.bin"},
            files={"file": ("file", content)},
        )

    def complete(self, upload: dict[str, Any], content: bytes) -> requests.Response:
        """Tell that an upload is all there."""
        return self.post(upload["url"], {"md5": md5(content)})

    def upload(self, content: bytes) -> dict[str, Any]:
        """Upload content in one chunk and return the completed upload."""
        first = self.put_chunk(content).json()
        return self.complete(first, content).json()

    def data_file(self, content: bytes | None = None, *, name: str = "a.png") -> dict[str, Any]:
        """Store one file directly; something new unless *content* is given."""
        body = uuid.uuid4().bytes if content is None else content
        answer = self.send("POST", "data_files/", files={"file": (name, body)})
        assert answer.status_code == 201, (answer.status_code, answer.text)
        return answer.json()

    def collection(self, **changes: Any) -> dict[str, Any]:
        """Create a collection of one required picture and an optional side file."""
        specifications = [
            {
                "name": "image_1",
                "file_type": "image",
                "is_required": True,
                "is_primary": True,
                "function_type": "main",
            },
            {"name": "data_meta_1", "file_type": "data", "function_type": "meta"},
        ]
        body = {"name": "Signs", "category": "image", "file_specifications": specifications}
        return self.create("data_collections/", body | changes)

    def plugin(self, *, version: str = "1.0.0") -> dict[str, Any]:
        """Create a plugin with a release."""
        body = {"name": "Detector", "code": f"p-{uuid.uuid4().hex[:12]}", "category": "neural_net"}
        plugin = self.create("plugins/", body)
        self.create("plugin_releases/", {"plugin": plugin["code"], "version": version})
        return plugin


def md5(content: bytes) -> str:
    """Take the checksum that the wire speaks of."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def log_in(sandbox: Sandbox) -> requests.Session:
    """Return a browser of the admin pages that has logged in with the printed name and password."""
    browser = requests.Session()
    fields = {"username": sandbox.admin_user, "password": sandbox.admin_password}
    submit(browser, f"{sandbox.admin_url}login/", {**fields, "next": "/admin/"})
    return browser


def submit(browser: requests.Session, page: str, fields: dict[str, str], *, to: str = "") -> None:
    """Fill in the form of a page and send it to that page, or where else the form leads."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(page, timeout=30).text)
    assert token is not None, page
    form = {**fields, "csrfmiddlewaretoken": token[1]}
    assert browser.post(to or page, data=form, timeout=30).ok, page
