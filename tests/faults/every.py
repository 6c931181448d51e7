"""Every public call that talks to a backend: of objects, of queries, of files, and of the flat client.

for name in READING:                      # and WRITING, which must never be done twice unasked
    CALLS[name].do(World(session, folder, keys))
"""

from __future__ import annotations

from typing import Final

from tests.faults.every_client import CLIENT
from tests.faults.every_object import FILES, READS, WRITES, Call, Keys, World
from tests.faults.every_table import TABLES

CALLS: Final[dict[str, Call]] = {call.name: call for call in (*READS, *FILES, *TABLES, *WRITES, *CLIENT)}
READING: Final = [name for name, call in CALLS.items() if not call.writes]
WRITING: Final = [name for name, call in CALLS.items() if call.writes]

__all__ = ["CALLS", "READING", "WRITING", "Call", "Keys", "World"]
