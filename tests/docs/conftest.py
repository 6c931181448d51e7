"""A seeded backend and a scratch folder for the code that the documentation shows."""

from __future__ import annotations

import zipfile

from collections.abc import Iterator
from pathlib import Path

import pytest

from PIL import Image

import synapse

from synapse.sandbox import Sandbox
from tests.seeded import Seeded


@pytest.fixture
def backend(seeded_sandbox: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Take a fresh seeded sandbox, connect to it, and stand in a folder with a few pictures."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, name in enumerate(("a", "b", "c", "사진 4")):
        Image.new("L", (16, 16), 40 * number).save(f"photos/{name}.png")
    Path("photos/a.json").write_text('{"frame": 1}', encoding="utf-8")
    with zipfile.ZipFile("weights.zip", "w") as archive:
        archive.writestr("weights.txt", "0.5")
    sandbox = seeded_sandbox.reset()
    synapse.connect(sandbox.url, api_token=sandbox.api_token)
    yield sandbox
    synapse.disconnect()
