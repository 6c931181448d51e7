"""The mutations of `make mutate` can be made, and tell of every promise; some of them are, in a full run."""

from __future__ import annotations

import datetime

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.mutation.promises import exists, promises
from tests.mutation.table import MUTATIONS, Mutation
from tests.mutation.tree import MutationError, Tree, place_of

TODAY = datetime.datetime.now(datetime.UTC).toordinal()
TURN = [MUTATIONS[(12 * TODAY + number) % len(MUTATIONS)] for number in range(12)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """The copy that they are made in."""
    return Tree.copy(tmp_path_factory.mktemp("mutation"))


def problem(mutation: Mutation) -> str | None:
    """Tell what keeps a mutation from being made."""
    try:
        place_of(mutation)
        return None if exists(mutation.address) else f"there is no {mutation.address}"
    except MutationError as error:
        return str(error)


def test_each_can_be_made() -> None:
    """Its text is there once; whoever rewrites that line says in the table what breaks it now."""
    assert [] == [found for each in MUTATIONS if (found := problem(each))]
    assert [] == [each for each in MUTATIONS if each.old == each.new]


def test_every_promise_has_two() -> None:
    """Forty in all, or more."""
    counted = Counter(mutation.promise.words for mutation in MUTATIONS)

    assert len(MUTATIONS) >= 40
    assert [] == [promise.words for promise in promises() if counted[promise.words] < 2]


@pytest.mark.full
@pytest.mark.parametrize("mutation", TURN, ids=lambda each: f"{each.words}: {each.old[:40]}")
def test_is_noticed(tree: Tree, mutation: Mutation) -> None:
    """The test that SECURITY.md names fails; twelve a day, in turn."""
    assert tree.kills(mutation)
