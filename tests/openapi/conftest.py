"""Judge nothing, loudly, where the libraries or the vendor's document can't be fetched."""

from __future__ import annotations

import subprocess

from pathlib import Path

import pytest

from tests.interop.own_env import OwnEnvironmentError
from tests.openapi.judging import document, judge_python


@pytest.fixture(scope="session")
def prepared() -> Path:
    """The vendor's document, ready to be held against."""
    try:
        return document(judge_python())
    except (OwnEnvironmentError, subprocess.CalledProcessError) as error:
        pytest.skip(f"openapi-core or the vendor's wheel could not be fetched, NOTHING was judged: {error}")
