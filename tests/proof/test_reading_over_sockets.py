"""The same over real sockets: answers that never come, break off, or are those of a gateway."""

from __future__ import annotations

from hypothesis import Phase, assume, given
from hypothesis import strategies as st

from synapse import Retry, Session, Task
from tests.proof.served import PATIENCE, serving
from tests.proof.strategies import Reading, examples, readings, tables
from tests.proof.table import Table
from tests.proof.test_reading import BY_KEY, ascends, walked


# An example takes a second: one that fails is shown as it is.
@examples(6, phases=[Phase.generate])
@given(
    table=tables(changed="both ways", faulty=True),
    reading=readings(BY_KEY),
    stops=st.sets(st.integers(1, 40), max_size=2),
)
def test_nothing_is_lost_between_two_sockets(table: Table, reading: Reading, stops: set[int]):
    """Retries, waits and checkpoints together bring every row that stays, once and in order."""
    timeout = {"connect": 5, "read": PATIENCE}
    assume(len(table.keys) <= 40 and table.cap >= 3)
    with serving(table) as url:
        session = Session(url, api_token="proof", timeout=timeout, retry=Retry(total=1, backoff=0))
        query = Task.objects.using(session).filter(is_discarded=False).order_by(reading.order)
        found = walked(query, stops, reading)
        session.close()

    assert ascends(found.keys, reading.order)
    assert table.always <= set(found.keys) <= table.ever
