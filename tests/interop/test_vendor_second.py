"""The vendor's own client of API v2, unmodified, against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from synapse.sandbox import serve
from tests.interop.test_vendor_client import drive
from tests.objectstore import object_store

FEWEST: Final = 64


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, vendor_python: Path) -> dict[str, Any]:
    """What came of each check: cursors are told as tokens by the sandbox that most of them ask, by one as addresses."""
    folder = tmp_path_factory.mktemp("second")
    with (
        object_store() as store,
        serve(folder / "token", seed="demo", object_storage=store) as sandbox,
        serve(folder / "url", seed="demo", v2_cursors="url", v2_wraps_pages=True) as other,
    ):
        given = {"url": sandbox.url, "api_token": sandbox.api_token, "tenant": sandbox.tenant}
        addresses = {"url": other.url, "api_token": other.api_token}
        return drive(
            vendor_python, "vendor_second_driver.py", {**given, "addresses": addresses}, folder=folder
        )


@pytest.mark.full
def test_vendor_client_of_the_second_generation(outcomes: dict[str, Any]) -> None:
    """The vendor's client gets what it expects, in each of many checks."""
    problems = [f"{name}\n{outcome['problem']}" for name, outcome in outcomes.items() if outcome["problem"]]

    assert not problems, "\n".join(problems)
    assert len(outcomes) >= FEWEST
    print(f"{len(outcomes)} checks of the vendor's client of API v2")
