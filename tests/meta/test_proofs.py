"""Every test that the documentation names exists."""

from __future__ import annotations

import re

from typing import Final

import pytest

from tests.mutation.promises import ROOT, exists, promises

PAGES: Final = ("SECURITY.md", "docs/hardening.md")
NAMED: Final = re.compile(r"(tests/[\w/]+\.py)((?:::\w+)*)")


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    """A promise without its proof is not made."""
    found = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    missing = [path + inner for path, inner in found if not exists(path + inner)]

    assert [] == missing


def test_every_promise_has_a_proof() -> None:
    """Each line of the table of SECURITY.md names a test."""
    assert promises()
    assert [] == [promise.words for promise in promises() if not promise.proofs]
