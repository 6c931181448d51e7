"""The libraries that judge our formats, in an environment of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.interop.own_env import ensure_python

REQUIREMENTS: Final = ("globox==2.9.0", "labelformat==0.1.17", "pycocotools==2.0.11")


def ensure_judges_python() -> Path:
    """Return the interpreter that has the judges, installing them the first time."""
    return ensure_python("judges", *REQUIREMENTS)
