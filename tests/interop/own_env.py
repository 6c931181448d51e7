"""Give what the tests need beside the package a virtual environment of its own: its requirements aren't ours."""

from __future__ import annotations

import shutil
import subprocess
import sys

from pathlib import Path
from typing import Final

import pytest

from filelock import FileLock

ROOT: Final = Path(__file__).resolve().parents[2]
PLAYWRIGHT: Final = "playwright==1.65.2"


class OwnEnvironmentError(Exception):
    """Something cannot be installed here; the message says why."""


def ensure_python(name: str, *requirements: str) -> Path:
    """Return the interpreter that has the requirements, installing them the first time; others wait for that."""
    folder = ROOT / f".venv-{name}"
    interpreter, stamp = folder / "bin" / "python", folder / "installed.txt"
    with FileLock(folder.with_suffix(".lock")):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != str(requirements):
            _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
            install = ["install", "--quiet", "--disable-pip-version-check", "--no-compile"]
            _run([sys.executable, "-m", "pip", "--python", str(interpreter), *install, *requirements])
            stamp.write_text(str(requirements), encoding="utf-8")
    return interpreter


def ensure_browser() -> tuple[Path, str]:
    """Return the interpreter that has playwright, and the path of Chromium; skip the test where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip(
            "no chromium is installed (Debian: chromium, fonts-nanum): NOTHING was looked at in a browser"
        )
    try:
        return ensure_python("browser", PLAYWRIGHT), chromium
    except OwnEnvironmentError as error:
        pytest.skip(f"playwright could not be installed: NOTHING was looked at in a browser: {error}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise OwnEnvironmentError(f"{command[2:]} failed: {done.stderr.strip()[-2000:]}")
