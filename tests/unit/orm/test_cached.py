"""What relations have cached, and which writes and reads of the same session make them ask anew."""

from __future__ import annotations

import zipfile

from collections.abc import Callable
from typing import Any

import pytest

from synapse import (
    BackendClient,
    Job,
    Plugin,
    PluginRelease,
    SynapseError,
    WriteUnconfirmedError,
)
from synapse.testing import CannedSession, canned, page

ROW = {"id": 7, "code": "sign-detector", "name": "old", "category": "neural_net"}
NEW = {**ROW, "name": "new"}
RELEASE = {"id": 1, "plugin": 7, "version": "1.0.0"}
LOST = WriteUnconfirmedError("PUT plugins/sign-detector/: the connection was lost")


@pytest.fixture
def session() -> CannedSession:
    """A backend on which every write renames plugin 7, read before as `old` and held by the cache."""
    replies = {
        "GET plugin_releases/1/": RELEASE,
        "GET plugins/7/": NEW,
        "GET plugins/": page(ROW),
        "PUT plugins/7/": NEW,
        "PUT plugins/sign-detector/": NEW,
        "DELETE plugins/7/": None,
        "DELETE plugins/sign-detector/": None,
        "GET plugins/sign-detector/": NEW,
    }
    made = canned(replies)
    made.cache.put("plugins", 7, row=ROW)
    return made


def renamed(plugin: Plugin) -> None:
    """Give a plugin another name."""
    plugin.name = "new"
    plugin.save()


WRITES: dict[str, Callable[[], Any]] = {
    "saved by its code": lambda: renamed(Plugin.ref("sign-detector")),
    "saved by its key": lambda: renamed(Plugin.ref(7)),
    "updated by a query": lambda: Plugin.objects.update(name="new", everything=True),
    "read anew by its code": lambda: Plugin.ref("sign-detector").refresh(),
    "read anew by its key": lambda: Plugin.ref(7).refresh(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_rows_are_forgotten_by_every_key(write: Callable[[], Any], session: CannedSession):
    """A relation shows the plugin as it is since, whatever it was named by."""
    with session:
        write()

        assert "new" == PluginRelease.objects.get(1).plugin.name


@pytest.mark.parametrize("key", [7, "sign-detector"])
def test_deleted_rows_are_forgotten_by_every_key(key: int | str, session: CannedSession):
    """So are deletions."""
    with session:
        Plugin.ref(key).delete()

    assert session.cache.get("plugins", 7) is None


def test_rows_are_forgotten_where_the_answer_was_lost(session: CannedSession):
    """The key that the code stands for is not known then."""
    session.replies["PUT plugins/sign-detector/"] = LOST
    with session, pytest.raises(WriteUnconfirmedError):
        renamed(Plugin.ref("sign-detector"))

    assert session.cache.get("plugins", 7) is None


def test_rows_of_text_keys_are_forgotten_in_any_spelling():
    """A UUID in capitals is the same job."""
    session = canned({"PATCH jobs/ABC-1/": {"id": "abc-1", "status": "RUNNING"}})
    session.cache.put("jobs", "abc-1", row={"id": "abc-1"})
    with session:
        job = Job.ref("ABC-1")
        job.meta = {"a": 1}
        job.save()

    assert session.cache.get("jobs", "abc-1") is None


def test_releases_are_forgotten_with_their_plugin(session: CannedSession, tmp_path):
    """A release that is published may replace one, and changes what its plugin shows."""
    with zipfile.ZipFile(tmp_path / "plugin.zip", "w") as archive:
        archive.writestr("config.yaml", "code: sign-detector")
    session.replies["POST plugin_releases/"] = RELEASE
    session.cache.put("plugin_releases", 1, row=RELEASE)
    with session:
        Plugin.ref("sign-detector").release("1.0.0", tmp_path / "plugin.zip", debug=True)

    assert [None, None] == [session.cache.get("plugins", 7), session.cache.get("plugin_releases", 1)]


CALLS: dict[str, Callable[[BackendClient], Any]] = {
    "jobs": lambda client: client.update_job("abc", {"status": "running"}),
    "tasks": lambda client: client.annotate_task_data(5, {"data": {}}),
    "data_units": lambda client: client.create_data_units([{"data_collection": 1, "files": {}}]),
    "assignments": lambda client: client.set_tags_assignments({"ids": [5], "tags": [1], "action": "add"}),
    "plugin_releases": lambda client: client.create_plugin_release({"plugin": "x", "version": "1"}),
}


@pytest.mark.parametrize(("resource", "call"), CALLS.items(), ids=CALLS)
def test_rows_are_forgotten_where_the_flat_client_wrote(resource: str, call: Callable[[BackendClient], Any]):
    """Done or not: `Task.objects.using(client.session)` works beside it."""
    client = BackendClient("https://canned.invalid", "token")
    client.session = canned({})  # refuses to send anything that was not put down
    client.session.cache.put(resource, "5", row={"id": 5})
    with pytest.raises((AssertionError, SynapseError), match="no reply"):
        call(client)

    assert client.session.cache.get(resource, 5) is None


def test_a_row_that_was_read_anew_is_no_write():
    """A reading by page numbers does not look at its pages again for a `refresh()`."""
    session = canned({"GET plugins/7/": NEW})
    before = session.cache.ticket("plugins")
    with session:
        Plugin.ref(7).refresh()

    assert before == session.cache.ticket("plugins")
