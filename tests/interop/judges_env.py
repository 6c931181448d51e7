"""Give the libraries that judge our formats a virtual environment of their own: their requirements aren't ours."""

from __future__ import annotations

import subprocess
import sys

from pathlib import Path
from typing import Final

from filelock import FileLock

REQUIREMENTS: Final = ("globox==2.9.0", "labelformat==0.1.17", "pycocotools==2.0.11")
FOLDER: Final = Path(__file__).resolve().parents[2] / ".venv-judges"


class JudgesMissingError(Exception):
    """The judges cannot be installed here; the message says why."""


def ensure_judges_python() -> Path:
    """Return the interpreter that has the judges, installing them the first time; others wait for that."""
    interpreter, stamp = FOLDER / "bin" / "python", FOLDER / "installed.txt"
    with FileLock(FOLDER.with_suffix(".lock")):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != str(REQUIREMENTS):
            _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
            _run(
                [
                    str(interpreter),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    *REQUIREMENTS,
                ]
            )
            stamp.write_text(str(REQUIREMENTS), encoding="utf-8")
    return interpreter


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise JudgesMissingError(f"{command[2:]} failed: {done.stderr.strip()[-2000:]}")
