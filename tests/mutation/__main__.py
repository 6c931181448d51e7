"""`make mutate`: break each promise of SECURITY.md by hand, and see whether the test that it names notices."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time

from pathlib import Path

from tests.mutation.table import MUTATIONS, Mutation
from tests.mutation.tree import MutationError, Tree


def main() -> int:
    """Run the mutations that are asked for; tell what became of each."""
    parser = argparse.ArgumentParser(prog="make mutate")
    parser.add_argument("words", nargs="*", help="only what has one of these in its promise, text or test")
    words = parser.parse_args().words
    chosen = [each for each in MUTATIONS if not words or any(word in str(each) for word in words)]
    killed = 0
    with tempfile.TemporaryDirectory(prefix="synapse-mutate-") as folder:
        tree = Tree.copy(Path(folder))
        sound: dict[str, bool] = {}
        for each in chosen:
            started = time.monotonic()
            outcome = _outcome(tree, each, sound)
            killed += outcome == "killed"
            print(f"{outcome:10} {time.monotonic() - started:5.1f} s  {each}", flush=True)
    print(f"{killed} of {len(chosen)} killed")
    return killed != len(chosen)


def _outcome(tree: Tree, mutation: Mutation, sound: dict[str, bool]) -> str:
    try:
        if mutation.address not in sound:
            sound[mutation.address] = tree.passes(mutation.address)
        if not sound[mutation.address]:
            return "FAILS without it"
        return "killed" if tree.kills(mutation) else "SURVIVED"
    except MutationError as error:
        return f"ERROR {error}"


if __name__ == "__main__":
    sys.exit(main())
