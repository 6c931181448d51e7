"""Coverage-guided inputs for the decoder of answers, where atheris is installed.

`python -m tests.fuzz.decoder FOLDER RUNS`: what stands in the folder is begun with, and what reaches new code is kept.
"""

from __future__ import annotations

import contextlib
import json
import sys

from pathlib import Path
from typing import Any

LONGEST = 4096


def seeded(folder: Path) -> int:
    """Write what a real backend answers into a folder, and return how many files that is."""
    import tempfile

    from tests.fuzz.stage import staged

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, staged(Path(scratch)) as stage:
        bodies = {
            exchange.answer.body
            for recorded in stage.recorded.values()
            for exchange in recorded.exchanges
            if 0 < len(exchange.answer.body) <= LONGEST
        }
    for number, body in enumerate(sorted(bodies)):
        (folder / f"answer-{number}").write_bytes(body)
    return len(bodies)


def main(folder: str, runs: str) -> None:
    """Try as many inputs as are asked for; a finding ends the process with its input on disk."""
    import atheris
    import orjson

    with atheris.instrument_imports(include=["synapse"]):
        from synapse import MappingError, SynapseError, Task
        from synapse.dialects import Reply, Request
        from synapse.dialects.v1 import found_in
        from synapse.orm import loading
        from synapse.session.decoding import alike, parse
        from synapse.testing import canned

    session, fast = canned({}), alike(orjson.loads)
    request = Request("GET", "sdk/tasks/")

    def outcome(loads: Any, body: bytes) -> str:
        try:
            return repr(loads(body))
        except (ValueError, RecursionError):
            return "no JSON"

    def try_one(body: bytes) -> None:
        assert outcome(json.loads, body) == outcome(fast, body)
        with contextlib.suppress(ValueError):
            data = parse(body)
            with contextlib.suppress(SynapseError):
                for row in found_in(Reply(200, data), request).rows:
                    with contextlib.suppress(MappingError):
                        loading.load(Task, row, session=session).to_dict()

    atheris.Setup(
        [sys.argv[0], f"-runs={runs}", f"-max_len={LONGEST}", "-timeout=30", "-rss_limit_mb=2048", folder],
        try_one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
