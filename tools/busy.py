"""Run a command of the tests again and again on a busy machine: a line for each run, then the names of what failed.

python -m tools.busy --runs 10 --hogs 2 -- make test
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import time

from collections.abc import Iterator, Sequence

CLOSING = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s\b", re.MULTILINE)  # pytest's last line
FAILED = re.compile(r"^(?:FAILED|ERROR) .+", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every run succeeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10, help="how often the command runs")
    parser.add_argument("--hogs", type=int, default=2, help="how many processes compute beside it")
    parser.add_argument("command", nargs="+", help="what runs the tests")
    given = parser.parse_args(arguments)
    with hogs(given.hogs):
        succeeded = [once(number, given.command) for number in range(1, given.runs + 1)]
    return 0 if all(succeeded) else 1


def once(number: int, command: Sequence[str]) -> bool:
    """Run the command, and print how it ended."""
    began = time.monotonic()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    closing = CLOSING.findall(done.stdout)
    said = closing[-1] if closing else "pytest did not run to its end"
    print(f"run {number}: exit code {done.returncode}, {said}, {time.monotonic() - began:.0f} s", flush=True)
    if done.returncode:
        # Where no test failed, the checks beside the tests did, or pytest itself: the end of the output tells.
        lines = FAILED.findall(done.stdout) or done.stdout.splitlines()[-20:]
        print(*(f"    {line}" for line in lines), sep="\n", flush=True)
    return done.returncode == 0


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep so many processors busy meanwhile."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


if __name__ == "__main__":
    raise SystemExit(main())
