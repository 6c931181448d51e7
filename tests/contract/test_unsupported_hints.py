"""What refusals of an API generation say to do instead: it is typed here as it stands there, and works."""

from __future__ import annotations

import re

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

import synapse

from synapse import (
    Assignment,
    DataFile,
    DataUnit,
    Experiment,
    GroundTruthDataset,
    GroundTruthEvent,
    Job,
    JobLog,
    Plugin,
    PluginRelease,
    Project,
    Storage,
    Task,
    TaskTag,
    UnsupportedError,
)
from synapse.sandbox import Sandbox
from tests.contract.factory import Factory

SESSION: Final = re.compile(r'Session\(api="auto"\)')
QUERY: Final = re.compile(r'\w+\.objects\.via\("v[12]"\)')

Ask = Callable[[Any, Factory], Any]

# What is asked of an entity's rows, or of an object that is made for it.
ASKED: Final[dict[str, tuple[Any, Ask]]] = {
    "a lookup": (Task, lambda rows, _: list(rows.filter(created__gte="2026-01-01")[:1])),
    "a lookup of v2": (Task, lambda rows, _: list(rows.filter(has_data=True)[:1])),
    "a lookup of logs": (JobLog, lambda rows, _: list(rows.filter(level="info")[:1])),
    "a lookup of datasets": (GroundTruthDataset, lambda rows, _: list(rows.filter(project=1)[:1])),
    "a lookup of events": (GroundTruthEvent, lambda rows, _: list(rows.filter(project=1)[:1])),
    "an order": (Task, lambda rows, _: rows.order_by("id").first()),
    "nested objects": (Task, lambda rows, _: list(rows.select_related("data_unit")[:1])),
    "a count": (Task, lambda rows, _: rows.count()),
    "shards": (Task, lambda rows, _: rows.shards(3)),
    "files of a unit": (DataUnit, lambda rows, make: rows.get(make.units(1)[0].pk).files),
    "files of a task": (Task, lambda rows, make: rows.get(make.task().pk).files),
    "fields by name": (Task, lambda rows, _: list(rows.only("tags")[:1])),
    "why a job waits": (Job, lambda rows, make: rows.get(make.job().pk).queue),
    "storages": (Storage, lambda rows, _: rows.first()),
    "experiments": (Experiment, lambda rows, _: rows.first()),
    "tags": (Task, lambda _, make: Task.ref(make.task().pk).set_tags(add=[])),
    "a run": (Plugin, lambda _, make: Plugin.ref(make.release().plugin_id).run(action="go")),
    "a write": (Project, lambda _, make: described(make.project().pk)),
    "a deletion": (Plugin, lambda _, make: Plugin.ref(make.plugin().pk).delete()),
    "a trial": (Task, lambda _, make: Task.ref(make.task().pk).delete(dry_run=True)),
    "a percent sign": (Plugin, lambda rows, _: list(rows.params(note="%41")[:1])),
    "an export": (Project, lambda _, make: Project.ref(make.project().pk).export_to(storage(make), "out/")),
}
CONTEXTS: Final = [("auto", None), ("auto", "v1"), ("auto", "v2"), ("v1", None), ("v2", None)]


def described(key: int) -> None:
    project = Project.objects.get(key)
    project.settings = {"a": 1}
    project.save()


def storage(make: Factory) -> int:
    return int(make.tables.Storage.objects.create(tenant=make.tenant, name="s", category="internal").pk)


@pytest.fixture
def typed(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Type what a hint names, in a shell whose environment says where the backend is."""
    monkeypatch.setenv("SYNAPSE_HOST", box.url)
    monkeypatch.setenv("SYNAPSE_API_TOKEN", box.tenants["contract"].api_token)
    names = {name: getattr(synapse, name) for name in synapse.__all__}
    return lambda text: eval(text, {**names, "datetime": datetime, "UTC": UTC})


@pytest.mark.parametrize("name", ASKED)
def test_another_session_or_query_does_it(
    box: Sandbox, make: Factory, typed: Callable[[str], Any], name: str
) -> None:
    """Whoever is refused, by a session or by `via()`, is told what is not."""
    cls, ask = ASKED[name]
    for api, via in CONTEXTS:
        with typed(f"Session(api={api!r})"):
            try:
                ask(cls.objects.via(via) if via else cls.objects.all(), make)
                continue
            except UnsupportedError as error:
                said = str(error)
        session, query = SESSION.search(said), QUERY.search(said)
        assert session, said
        with typed(session.group()):
            ask(typed(query.group()) if query else cls.objects.all(), make)


# By v2: what is refused, what the refusal names, and that with what it stands for.
NAMED: Final[dict[str, tuple[Callable[[Factory], Any], Callable[[str, Factory], str]]]] = {
    r"count\(walk=True\)": (lambda _: Task.objects.count(), lambda said, _: f"Task.objects.{said}"),
    r"prefetch_related\('data_unit'\)": (
        lambda _: Task.objects.select_related("data_unit"),
        lambda said, _: f"list(Task.objects.{said}[:1])",
    ),
    r"filter\(project=\.\.\.\)": (
        lambda _: TaskTag.objects.first(),
        lambda said, make: f"TaskTag.objects.{said.replace('...', str(make.project().pk))}.first()",
    ),
    r"filter\(plugin=1\)": (
        lambda make: list(PluginRelease.objects.filter(plugin=make.plugin().code)),
        lambda said, _: f"list(PluginRelease.objects.{said})",
    ),
    r"Plugin\.objects\.get\(code='.*?'\)": (
        lambda make: Plugin.objects.get(make.plugin().code),
        lambda said, _: said,
    ),
    r"datetime\(.*?\)": (
        lambda _: list(Assignment.objects.filter(created__gte=date(2026, 1, 2))),
        lambda said, _: f"list(Assignment.objects.filter(created__gte={said})[:1])",
    ),
}


@pytest.mark.parametrize("pattern", NAMED)
def test_another_call_does_it(make: Factory, typed: Callable[[str], Any], pattern: str) -> None:
    """In the same session."""
    refused, spelled = NAMED[pattern]
    with typed("Session(api='v2')"):
        with pytest.raises(UnsupportedError, match=pattern) as caught:
            refused(make)
        said = re.search(pattern, str(caught.value))
        assert said
        typed(spelled(said.group(), make))


def test_a_file_is_sent_by_the_session_that_is_named(typed: Callable[[str], Any], tmp_path: Path) -> None:
    """API v2 has no way for a file that goes to no collection."""
    (path := tmp_path / "a.png").write_bytes(b"picture")
    for options in ({}, {"chunked": True}):
        with typed("Session(api='v2')"), pytest.raises(UnsupportedError) as caught:
            DataFile.objects.upload(path, **options)
        said = SESSION.search(str(caught.value))
        assert said
        with typed(said.group()):
            DataFile.objects.upload(path, **options)
