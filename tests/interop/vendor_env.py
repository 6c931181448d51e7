"""Give the vendor's client a virtual environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys

from pathlib import Path
from typing import Final

from filelock import FileLock

REQUIREMENT: Final = "synapse-sdk==2026.2.17"
MINIMUM: Final = (3, 12)
FOLDER: Final = Path(__file__).resolve().parents[2] / ".venv-vendor"
NAMES: Final = ("python3.12", "python3.13", "python3.14", "python3")


class VendorEnvironmentError(Exception):
    """The vendor's client cannot be installed here; the message says why."""


def ensure_vendor_python() -> Path:
    """Return the interpreter that has the vendor's client, installing it the first time; others wait for that."""
    with FileLock(FOLDER.with_suffix(".lock")):
        return _installed()


def _installed() -> Path:
    interpreter = FOLDER / "bin" / "python"
    stamp = FOLDER / "installed.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == REQUIREMENT and _version(interpreter):
        return interpreter
    base = find_python()
    if base is None:
        raise VendorEnvironmentError(
            f"{REQUIREMENT} needs Python {'.'.join(map(str, MINIMUM))} or newer; none found"
        )
    shutil.rmtree(FOLDER, ignore_errors=True)
    # Our own pip, and nothing compiled but what the tests import: half of the processor time.
    _run([str(base), "-m", "venv", "--without-pip", str(FOLDER)])
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    _run([sys.executable, "-m", "pip", "--python", str(interpreter), *install, REQUIREMENT])
    stamp.write_text(REQUIREMENT, encoding="utf-8")
    return interpreter


def find_python() -> Path | None:
    """Find a Python new enough for the vendor's client, on PATH or among pyenv's versions."""
    return next((path for path in _candidates() if _version(path) >= MINIMUM), None)


def _candidates() -> list[Path]:
    found = [Path(sys.executable)]
    found += [Path(path) for name in NAMES if (path := shutil.which(name))]
    found += sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3"))
    return found


def _version(python: Path) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=30)
    except OSError:
        return ()
    return tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else ()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise VendorEnvironmentError(f"{command[2:]} failed: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_vendor_python()}\n")
