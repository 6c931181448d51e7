"""What is sent of many items, and by which way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synapse.errors import TransferError
from synapse.session import Outcome, Run, Session, Untried
from synapse.uploads import routes
from synapse.uploads import sender as sending
from synapse.uploads.checksums import ContentHashes, hash_file
from synapse.uploads.file_types import Spec
from synapse.uploads.items import plan_item
from synapse.uploads.routes import UploadOptions
from synapse.uploads.sender import Sender, UploadItem
from tests.unit.transfer.conftest import MakeFile

Ways = dict[str, list[str]]
MakeSender = Callable[..., Sender]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """Note which file goes which way; `bad` files are taken by neither, `odd` ones go unnamed."""
    taken: Ways = {"signed": [], "direct": []}

    def row(source: Any, way: str) -> dict[str, Any]:
        taken[way].append(source.name)
        if source.name.startswith("bad"):
            raise TransferError("bad")
        if source.name.startswith("odd"):
            return {}
        return {"checksum": f"{way} {source.name}"}

    def signed(session: Session, sources: Any, **options: Any) -> list[Outcome[Any, Any]]:
        return [outcome(lambda each: row(each, "signed"), source) for source in sources]

    def direct(session: Session, source: Any, **options: Any) -> dict[str, Any]:
        options["advanced"](source.size)
        return row(source, "direct")

    monkeypatch.setattr(sending, "send_presigned", signed)
    monkeypatch.setattr(sending, "send_to_backend", direct)
    monkeypatch.setattr(routes, "LARGEST_DIRECT", 1000)
    return taken


def outcome(call: Callable[[Any], Any], item: Any) -> Outcome[Any, Any]:
    """Make a call and keep what it raises."""
    try:
        return Outcome(item, call(item), None)
    except TransferError as error:
        return Outcome(item, None, error)


@pytest.fixture
def make_sender(session: Session) -> MakeSender:
    """Make a sender on a session that is not used."""

    def make(*, presigned: bool | None = None, raising: bool = False) -> Sender:
        run: Run[Any] = Run([])
        options = UploadOptions(presigned=presigned)
        return Sender(session, run, options=options, workers=2, raising=raising)

    return make


def items_of(sender: Sender, *paths: Path) -> list[UploadItem]:
    """Give an item for each file, none of which is known."""
    items = [UploadItem(place, path, plan_item(path, [Spec("a")])) for place, path in enumerate(paths)]
    for item in items:
        item.missing["a"] = sender.content(hash_file(item.part("a").source))
    return items


def work(sender: Sender, items: list[UploadItem]) -> None:
    """Do all jobs, one after the other."""
    jobs = sender.jobs(items)
    while jobs:
        jobs = [more for job in jobs for more in job()]


class TestStorage:
    @pytest.mark.parametrize(
        ("presigned", "signed", "direct"),
        [
            (None, ["small"], ["large"]),
            (True, ["large", "small"], []),
            (False, [], ["large", "small"]),
        ],
    )
    def test_takes_what_it_may(
        self,
        make_sender: MakeSender,
        make_file: MakeFile,
        ways: Ways,
        presigned: bool | None,
        signed: list[str],
        direct: list[str],
    ) -> None:
        """Small files go there unless it is left alone; large ones, which cannot go on after a crash, if asked."""
        sender = make_sender(presigned=presigned)
        items = items_of(sender, make_file("large", size=2000), make_file("small", size=10))
        work(sender, items)

        assert (signed, direct) == (sorted(ways["signed"]), sorted(ways["direct"]))
        assert [{"a"}, {"a"}] == [set(item.checksums) for item in items]

    def test_takes_one_content_once(self, make_sender: MakeSender, make_file: MakeFile, ways: Ways) -> None:
        """Files of the same content have what the first of them was given."""
        sender, first, second = make_sender(), make_file("one"), make_file("two")
        second.write_bytes(first.read_bytes())
        items = items_of(sender, first, second)
        work(sender, items)

        assert ({"signed": ["one"], "direct": []}, ["signed one"] * 2) == (
            ways,
            [item.checksums["a"] for item in items],
        )
        assert [False, True] == [item.known for item in items]

    def test_fails_a_file_alone(self, make_sender: MakeSender, make_file: MakeFile, ways: Ways) -> None:
        """What the storage does not take is the fault of that item; another with its content tries by itself."""
        sender, first, second = make_sender(), make_file("bad one"), make_file("good")
        other = make_file("other")
        second.write_bytes(first.read_bytes())
        items = items_of(sender, first, second, other)
        work(sender, items)

        assert [True, False, False] == [isinstance(item.error, TransferError) for item in items]
        assert "direct good" == items[1].checksums["a"]

    def test_must_say_what_it_took(self, make_sender: MakeSender, make_file: MakeFile, ways: Ways) -> None:
        """A file without a checksum can be in no unit."""
        sender = make_sender()
        items = items_of(sender, make_file("odd"), make_file("good"))
        work(sender, items)

        assert "gave no checksum" in str(items[0].error)
        assert {"a": "signed good"} == items[1].checksums


class TestEnd:
    def test_sends_no_more(self, make_sender: MakeSender, make_file: MakeFile, ways: Ways) -> None:
        """Once the run has ended, neither way takes a file."""
        for presigned in (True, False):
            sender = make_sender(presigned=presigned)
            items = items_of(sender, make_file("a", size=10))
            sender.ended.set()
            work(sender, items)

            assert isinstance(items[0].error, Untried)
        assert {"signed": [], "direct": []} == ways

    def test_is_the_first_failure_on_demand(
        self, make_sender: MakeSender, make_file: MakeFile, ways: Ways
    ) -> None:
        """What comes after an item that failed is not sent."""
        sender = make_sender(presigned=False, raising=True)
        items = items_of(sender, make_file("a"), make_file("bad"), make_file("c"))
        work(sender, items)

        assert (["a", "bad"], [None, TransferError, Untried]) == (
            ways["direct"],
            [item.error and type(item.error) for item in items],
        )


def test_content_is_shared_as_long_as_it_is_used(make_sender: MakeSender) -> None:
    """A content is one object while files of it are on their way, and is forgotten after."""
    sender = make_sender()
    hashes = ContentHashes("m", "s")
    first = sender.content(hashes)
    first.checksum = "m"

    assert first is sender.content(ContentHashes("m", "s"))
    del first
    assert sender.content(hashes).checksum is None
