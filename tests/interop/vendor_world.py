"""What the checks of the vendor's client share: the client, the sandbox's address, and things they made."""

from __future__ import annotations

import struct
import uuid
import zipfile
import zlib

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

CHECKS: dict[str, Callable[[World], None]] = {}


@dataclass
class World:
    """One run of all checks."""

    client: Any
    url: str
    token: str
    folder: Path
    made: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what *make* made the first time it was asked for *name*."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create what the vendor's client has no method for."""
        headers = {"Synapse-Access-Token": f"Token {self.token}"}
        answer = requests.post(f"{self.url.rstrip('/')}/{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 201, (path, answer.status_code, answer.text)
        return answer.json()

    def content(self, data_file: int) -> bytes:
        """Return what a stored file holds, read from the address that its row gives."""
        headers = {"Synapse-Access-Token": f"Token {self.token}"}
        row = requests.get(
            f"{self.url.rstrip('/')}/data_files/{data_file}/", headers=headers, timeout=30
        ).json()
        return requests.get(row["file"], timeout=30).content

    def image(self, name: str | None = None) -> Path:
        """Write a picture that nobody wrote before."""
        path = self.folder / (name or f"{uuid.uuid4().hex}.png")
        path.write_bytes(png(uuid.uuid4().bytes[:12]))
        return path

    def archive(self, name: str = "plugin.zip") -> Path:
        """Write a small zip file."""
        path = self.folder / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("README.md", uuid.uuid4().hex)
        return path

    @property
    def collection(self) -> dict[str, Any]:
        """A collection of one required picture and an optional side file."""
        specifications = [
            {
                "name": "image_1",
                "file_type": "image",
                "is_required": True,
                "is_primary": True,
                "function_type": "main",
                "index": 1,
            },
            {"name": "data_meta_1", "file_type": "data", "function_type": "meta", "index": 1},
        ]
        body = {"name": "도로 Signs", "category": "image", "file_specifications": specifications}
        return self.once("collection", lambda: self.create("data_collections/", body))

    @property
    def project(self) -> dict[str, Any]:
        """A project over the collection."""
        body = {"title": "Street signs", "category": "image", "data_collection": self.collection["id"]}
        return self.once("project", lambda: self.create("projects/", body))

    @property
    def tags(self) -> list[int]:
        """Two tags of the project."""
        bodies = ({"project": self.project["id"], "name": name} for name in ("hard", "golden"))
        return self.once("tags", lambda: [self.create("task_tags/", body)["id"] for body in bodies])

    def unit(self) -> dict[str, Any]:
        """A new unit of the collection."""
        binding = self.client.upload_data_file({"files": {"image_1": self.image()}}, self.collection["id"])
        return self.client.create_data_units([binding])[0]

    def task(self) -> int:
        """A new task of the project."""
        body = {"project": self.project["id"], "data": [{"data_unit": self.unit()["id"]}]}
        return self.client.create_tasks(body)[0]["id"]

    @property
    def plugin(self) -> dict[str, Any]:
        """A plugin with one release."""

        def make() -> dict[str, Any]:
            code = f"plugin-{uuid.uuid4().hex[:8]}"
            plugin = self.client.create_plugin({"name": "Detector", "code": code, "category": "neural_net"})
            release = {"plugin": code, "version": "1.0.0", "config": {"code": code, "actions": {"train": {}}}}
            self.client.create_plugin_release({**release, "requirements": ["numpy"]}, file=self.archive())
            return plugin

        return self.once("plugin", make)

    def job(self, **params: Any) -> str:
        """A new job of the plugin."""
        run = {"action": "train", "params": {"steps": 2, "seconds": 0.2, **params}}
        return self.client.run_plugin(self.plugin["code"], run)["job_id"]

    @property
    def dataset(self) -> dict[str, Any]:
        """The ground-truth dataset that has events."""
        versions = self.client.list_ground_truth_versions()["results"]
        return {"version": versions[0]["id"], "dataset": versions[0]["ground_truth_dataset"]}


def check(function: Callable[[World], None]) -> Callable[[World], None]:
    """Make a function one of the checks."""
    CHECKS[function.__name__] = function
    return function


def png(colour: bytes) -> bytes:
    """Draw a 4 x 4 picture whose first pixels are *colour*."""
    rows = b"".join(b"\0" + colour for _ in range(4))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def refused(error: type[Exception], call: Callable[[], Any]) -> Any:
    """Return the error that *call* must raise."""
    try:
        answer = call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} expected, but it answered {answer!r}")
