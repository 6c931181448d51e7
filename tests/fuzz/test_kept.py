"""Whatever stands in files that are kept between processes: uploads go on, and no journal is guessed at."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any, Final

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse import SynapseError
from synapse.orm import journal
from synapse.session import Session
from synapse.testing import canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads.local_state import DATABASE, claim_upload
from tests.fuzz.budget import share
from tests.fuzz.harms import JSON

pytestmark = pytest.mark.filterwarnings("ignore")

LINES: Final = st.sampled_from(
    [
        {"sent": ["a"], "at": 1.5, "after": None},
        {"done": {"a": 1}},
        {"undone": ["a"]},
        {"done": []},
        {"sent": "a"},
    ]
)
OWNER: Final[dict[str, Any]] = {"entity": "Task", "host": "h", "tenant": None}
HEADER: Final = {"journal": "synapse bulk_create", "version": 1, **OWNER, "salt": "00" * 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that every example uses anew."""
    return tmp_path_factory.mktemp("kept")


def session_of(folder: Path) -> Session:
    """A session that keeps its state there."""
    return canned({}, state_dir=folder)


def damaged(whole: bytes, place: float, extra: bytes) -> bytes:
    """Put some bytes over others."""
    at = int(place * len(whole))
    return whole[:at] + extra + whole[at + len(extra) :]


class TestStateOfUploads:
    @share(0.01)
    @given(st.binary(max_size=60), st.none() | st.floats(0, 1))
    @example(b"SQLite format 3\0", None)
    @example(b"\0", None)
    def test_a_damaged_database_stops_no_upload(
        self, folder: Path, content: bytes, place: float | None
    ) -> None:
        """What it told is lost at worst, and what is noted from then on is found again."""
        path = folder / "a.png"
        path.write_bytes(b"png")
        source, session = LocalFile.of(path), session_of(folder)
        database = folder / "uploads" / DATABASE
        with claim_upload(session, source, name="a", chunk_size=5) as entry:
            entry.begin("/chunked_upload/1/")
        whole = database.read_bytes()
        database.write_bytes(content if place is None else damaged(whole, place, content))

        with claim_upload(session, source, name="a", chunk_size=5) as entry:
            assert entry.address is None or isinstance(entry.address, str)
            entry.begin("/chunked_upload/2/")
        with claim_upload(session, source, name="a", chunk_size=5) as entry:
            assert entry.address in (None, f"{session.origin}/chunked_upload/2/")


class TestJournals:
    @share(0.02)
    @given(
        st.lists(LINES | JSON, max_size=4),
        st.none() | st.tuples(st.floats(0, 1), st.binary(max_size=9)),
        st.booleans(),
    )
    def test_a_damaged_journal_is_refused_and_kept(
        self, folder: Path, lines: list[Any], harm: tuple[float, bytes] | None, old: bool
    ) -> None:
        """Or it is one of before, without checksums, and its whole lines stand as they were."""
        path = folder / "run.journal"
        whole = (json.dumps(HEADER).encode() + b"\n" if old else b"") + b"".join(
            json.dumps(each).encode() + b"\n" for each in lines
        )
        before = whole if harm is None else damaged(whole, *harm)
        path.write_bytes(before)

        try:
            with journal.opened(path, **OWNER) as opened:
                assert isinstance(opened.done, dict)
        except SynapseError:
            assert before == path.read_bytes()
        else:
            assert before.startswith(path.read_bytes()) or b"\n" not in before

    @share(0.02)
    @given(st.floats(0, 1), st.binary(min_size=1, max_size=9))
    def test_a_damaged_journal_means_what_it_meant(self, folder: Path, place: float, extra: bytes) -> None:
        """What is not refused tells of the rows as they were, up to a line that was cut."""
        path = folder / "real.journal"
        path.unlink(missing_ok=True)
        meanings = []
        with journal.opened(path, **OWNER) as opened:
            for step in ("a", "b"):
                meanings.append((dict(opened.done), set(opened.unsettled)))
                opened.sending([step], after=1)
                meanings.append((dict(opened.done), set(opened.unsettled)))
                opened.settle({step: len(meanings)})
            meanings.append((dict(opened.done), set(opened.unsettled)))
        before = damaged(path.read_bytes(), place, extra)
        path.write_bytes(before)

        try:
            with journal.opened(path, **OWNER) as opened:
                assert (opened.done, set(opened.unsettled)) in meanings
        except SynapseError:
            assert before == path.read_bytes()
