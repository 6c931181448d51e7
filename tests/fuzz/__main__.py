"""Fuzz for a night: `python -m tests.fuzz --examples 100000 --runs 500000`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys

from pathlib import Path

from tests.fuzz.budget import VARIABLE
from tests.fuzz.decoder import seeded

CORPUS = Path(".cache") / "fuzz" / "decoder"


def main() -> int:
    """Run every property with new seeds, then the decoder under atheris; return 1 if either found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000, help="of the properties, in all")
    parser.add_argument("--runs", type=int, default=500_000, help="inputs of the decoder under atheris")
    asked, more = parser.parse_known_args()
    command = [sys.executable, "-m", "pytest", "-q", "--full", str(Path(__file__).parent), *more]
    failed = subprocess.run(
        command, env={**os.environ, VARIABLE: str(asked.examples)}, check=False
    ).returncode
    if asked.runs and importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed (pip install 'synapse-orm[fuzz]'): the decoder was fuzzed by Hypothesis only"
        )
    elif asked.runs:
        print(f"atheris begins with {seeded(CORPUS)} real answers")
        decoder = [sys.executable, "-m", "tests.fuzz.decoder", str(CORPUS), str(asked.runs)]
        failed |= subprocess.run(decoder, check=False).returncode
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
