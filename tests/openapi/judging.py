"""Ask the vendor's own document whether requests to API v2, and their answers, are as it has them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import requests

from filelock import FileLock

from tests.interop.own_env import ROOT, ensure_python
from tests.interop.vendor_env import REQUIREMENT as WHEEL

LIBRARIES: Final = ("openapi-core==0.23.1", "pyyaml==6.0.3")
HERE: Final = Path(__file__).parent
KEPT: Final = ROOT / ".cache" / "openapi"


@attrs.frozen
class Call:
    """One request with its answer; *sparse* where its rows were asked for with some of their members only."""

    method: str
    url: str
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes
    status: int
    content_type: str
    answer: bytes
    sparse: bool = False

    @classmethod
    def of(cls, answer: requests.Response, *, sparse: bool = False) -> Call:
        """Read a call off its answer."""
        sent = answer.request
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        return cls(
            str(sent.method),
            str(sent.url),
            dict(sent.headers),
            bytes(body),
            answer.status_code,
            answer.headers.get("Content-Type", ""),
            answer.content,
            sparse=sparse,
        )

    @classmethod
    def read(cls, line: str) -> Call:
        """Read a call off its line of JSON."""
        fields = json.loads(line)
        return cls(**{**fields, **{name: base64.b64decode(fields[name]) for name in ("body", "answer")}})

    @property
    def line(self) -> str:
        """The call as one line of JSON."""
        fields = attrs.asdict(self)
        encoded = {name: base64.b64encode(fields[name]).decode() for name in ("body", "answer")}
        return json.dumps({**fields, **encoded})


@attrs.frozen
class Verdict:
    """What the document says of one call: its operation, what is wrong, and which keys of its query it doesn't know."""

    call: Call
    operation: str | None
    problems: Sequence[str]
    undeclared: Sequence[str]

    @property
    def words(self) -> str:
        """What is wrong, for people."""
        sent = f"{self.call.method} {self.call.url} → {self.call.status}"
        return "\n  ".join(
            [sent, *self.problems, *(f"unknown in the query: {name}" for name in self.undeclared)]
        )


def judge_python() -> Path:
    """Return the interpreter that has the libraries of the judge, installing them the first time."""
    return ensure_python("openapi", *LIBRARIES)


def judge(calls: Iterable[Call]) -> list[Verdict]:
    """Hold calls against the document, in the order given."""
    asked = list(calls)
    python = judge_python()
    done = subprocess.run(
        [python, HERE / "judge.py", document(python)],
        input="".join(f"{call.line}\n" for call in asked),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    return [Verdict(call, **verdict) for call, verdict in zip(asked, found, strict=True)]


def document(python: Path) -> Path:
    """Return the prepared document, which is made of the vendor's wheel the first time."""
    code = (HERE / "prepare.py").read_bytes()
    target = KEPT / f"{hashlib.sha256(code + WHEEL.encode()).hexdigest()[:16]}.json"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / "lock"):
        if not target.exists():
            part = target.with_suffix(".part")
            subprocess.run([python, HERE / "prepare.py", wheel(), part], check=True, timeout=300)
            part.replace(target)
    return target


def wheel() -> Path:
    """Return the vendor's wheel, which is fetched the first time."""
    name = WHEEL.replace("-", "_").replace("==", "-")
    found = list(KEPT.glob(f"{name}-*.whl"))
    if not found:
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(KEPT)]
        needs = ["--python-version", "3.12", "--only-binary", ":all:", WHEEL]
        subprocess.run([*fetch, *needs], check=True, capture_output=True, timeout=300)
        found = list(KEPT.glob(f"{name}-*.whl"))
    return found[0]
