"""Plugins, their releases, and agents."""

from __future__ import annotations

import zipfile

from pathlib import Path

import pytest

from synapse import (
    Agent,
    Job,
    NotFoundError,
    Plugin,
    PluginRelease,
    QueryError,
    ServeApplication,
    TransportError,
    ValidationError,
)
from synapse.testing import assert_requests, canned, page


@pytest.fixture
def plugin(session, make) -> Plugin:
    """A plugin without releases, read through the SDK."""
    return Plugin.objects.get(make.plugin().pk)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip archive."""
    path = tmp_path / "릴리스.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("main.py", "def run(): pass")
    return path


class TestRelease:
    def test_publishes_an_archive(self, session, plugin, archive):
        """The release has its configuration, requirements and the bytes of its archive."""
        with assert_requests(1):
            made = plugin.release("1.0.0", archive, config={"actions": {"go": {}}}, requirements=["a", "b>1"])

        assert ("1.0.0", ["go"], ["a", "b>1"], False) == (
            made.version,
            made.available_actions,
            made.requirements,
            made.debug,
        )
        assert archive.read_bytes() == made.file.read()
        assert (plugin, [made]) == (made.plugin, list(plugin.releases))

    def test_refuses_a_version_that_exists(self, plugin, archive):
        """A version is published once."""
        plugin.release("1.0.0", archive)

        with pytest.raises(ValidationError, match="already exists") as caught:
            plugin.release("1.0.0", archive)

        assert ["version"] == list(caught.value.errors)

    def test_replaces_a_debug_release(self, plugin, archive):
        """With `debug=True` the version is replaced, and stays one."""
        first = plugin.release("0.1", archive, debug=True)

        second = plugin.release("0.1", archive, debug=True, config={"new": True})

        assert (first.id, {"new": True}, True, 1) == (
            second.id,
            second.config,
            second.debug,
            plugin.releases.count(),
        )

    def test_is_found_by_name(self, session, plugin, archive):
        """`code@version` names a release, as its key does."""
        made = plugin.release("2.0.0", archive)

        assert made == PluginRelease.objects.get(f"{plugin.code}@2.0.0") == PluginRelease.objects.get(made.id)
        with pytest.raises(PluginRelease.DoesNotExist, match="9.9"):
            PluginRelease.objects.get(f"{plugin.code}@9.9")

    def test_of_a_reference_by_code(self, session, plugin, archive):
        """A reference by code publishes as well."""
        made = Plugin.ref(plugin.code).release("3.0", archive)

        assert plugin.id == made.plugin_id


class TestPlugin:
    def test_is_found_by_code(self, session, plugin):
        """`get()` takes the code as well as the key."""
        assert plugin == Plugin.objects.get(plugin.code) == Plugin.objects.get(pk=plugin.code)

    def test_releases_are_filtered_by_it(self, session, make):
        """`filter(plugin=...)` takes the object, its key or its code."""
        release = make.release()
        plugin = Plugin.objects.get(release.plugin_id)

        found = [PluginRelease.objects.filter(plugin=by) for by in (plugin, plugin.id, plugin.code)]

        assert [[release.pk]] * 3 == [[each.id for each in rows] for rows in found]


class TestRun:
    def test_gives_the_job(self, session, make):
        """The job of the run is there at once, with its action, parameters and release."""
        release = make.release()
        plugin = Plugin.objects.get(release.plugin_id)

        with assert_requests(2):
            job = plugin.run(action="go", params={"seconds": 0, "이름": "값"})
            assert ("go", {"seconds": 0, "이름": "값"}, release.pk) == (
                job.action,
                job.params,
                job.plugin_release_id,
            )

        assert job == Job.objects.get(job.id)

    def test_sends_what_was_asked_for(self, session, make, tables):
        """Agent and storage travel by key, the version by name; what was not given is left out."""
        release, agent = make.release(version="7"), Agent.objects.first()
        plugin = Plugin.objects.get(release.plugin_id)
        storage = tables.Storage.objects.filter(tenant=make.tenant).first()

        with session.trace() as calls:
            job = plugin.run(
                action="go", agent=agent, storage=storage.pk, version="7", language="ko", debug=True
            )

        body = {"agent": agent.id, "storage_id": storage.pk, "version": "7", "language": "ko", "debug": True}
        assert [{"action": "go", "params": {}, **body}] == [each for _, _, each in calls.sent]
        assert agent == job.agent

    def test_by_code_reads_only_what_the_release_offers(self, session, make):
        """And that once: the next run of a reference by code is one request."""
        release = make.release()

        with assert_requests(3):
            for _ in range(2):
                Plugin.ref(release.plugin.code).run(action="go", params={"seconds": 0})

    @pytest.mark.parametrize("version", [None, "1.0.0"])
    def test_refuses_an_action_that_the_release_does_not_offer(self, session, make, version):
        """Before anything is sent, with the nearest name; a job would have been started."""
        release = make.release(version="1.0.0", config={"actions": {"train": {}, "test": {}}})
        plugin = Plugin.objects.get(release.plugin_id)

        with (
            session.trace() as calls,
            pytest.raises(QueryError, match=r"did you mean 'train'.*Actions of .*: train, test"),
        ):
            plugin.run(action="trian", version=version)

        assert [] == calls.sent

    def test_knows_an_action_of_a_newer_release(self, session, make):
        """What is kept of the release before refuses nothing."""
        release = make.release(version="1", config={"actions": ["train"]})
        plugin = Plugin.objects.get(release.plugin_id)
        plugin.run(action="train", params={"seconds": 0})
        make.release(plugin=release.plugin, version="2", config={"actions": ["train", "export"]})

        assert "export" == plugin.run(action="export", params={"seconds": 0}).action

    @pytest.mark.parametrize(
        "releases",
        [
            page(),
            page({"id": 1, "version": "1", "available_actions": None, "config": 5}),
            page(
                {"id": 2, "version": "2", "available_actions": ["x"], "debug": True},
                {"id": 1, "available_actions": []},
            ),
            "text",
            NotFoundError("no such plugin"),
        ],
        ids=["none", "unreadable", "one of two tells nothing", "no page", "refused"],
    )
    def test_leaves_to_the_backend_what_cannot_be_told(self, releases):
        """A plugin may offer what its release does not list."""
        session = canned({"POST plugins/5/run/": {"job_id": "abc"}, "GET plugin_releases/": releases})

        with session:
            assert "abc" == Plugin.ref(5).run(action="go").id

    def test_of_an_answer_with_only_a_key(self):
        """A backend that answers no more than `job_id` gives a reference."""
        session = canned({"POST plugins/5/run/": {"job_id": "abc"}})

        with session, assert_requests(1):
            assert "abc" == Plugin.ref(5).run(action="go").id

    @pytest.mark.parametrize("answer", [{"result": 5}, [], None, "text", {"__synapse_deferred__": True}])
    def test_of_an_action_without_a_job(self, answer):
        """An answer that names no job is told as such."""
        session = canned({"POST plugins/5/run/": answer})

        with session, pytest.raises(TransportError, match="ran without a job"):
            Plugin.ref(5).run(action="serve")

    def test_refuses_a_release_that_does_not_exist(self, plugin):
        """The backend's refusal says which parameter is at fault."""
        with pytest.raises(ValidationError) as caught:
            plugin.run(action="go", version="9")

        assert ["version"] == list(caught.value.errors)


class TestAgents:
    def test_check_reports_it_as_connected(self, session, make, tables):
        """The agent's own token tells the backend that it is there."""
        row = tables.Agent.objects.create(tenant=make.tenant, name="gpu", status="disconnected")
        agent = Agent.objects.get(row.pk)

        answer = agent.check()

        assert ({"id": row.pk, "name": "gpu", "status": "connected"}, False) == (answer, agent.is_connected)
        assert agent.refresh().is_connected

    def test_shows_no_token(self, session, make, tables):
        """The token and the script that holds it stay out of `repr` and the trace."""
        row = tables.Agent.objects.create(tenant=make.tenant, name="gpu")
        agent = Agent.objects.get(row.pk)

        with session.trace() as calls:
            agent.check()

        assert row.token in agent.node_install_script
        assert row.token not in f"{agent!r} {agent} {calls} {calls!r} {list(calls)}"

    def test_shows_no_token_in_errors(self, session, make, tables):
        """A refusal does not print the address that holds the token."""
        row = tables.Agent.objects.create(tenant=make.tenant, name="gpu")
        agent = Agent.objects.get(row.pk)
        row.delete()

        with pytest.raises(Exception, match="404") as caught:
            agent.check()

        assert row.token not in f"{caught.value!r} {caught.value}"


class TestServeApplications:
    def test_follow_their_job(self, session, make):
        """An application knows its job, and changes its state."""
        job = make.job(plugin_release=make.release())
        made = ServeApplication.objects.create(job=str(job.pk), status="DEPLOYING", data={"port": 1})

        made.status = "RUNNING"
        made.save()

        assert (str(job.pk), "RUNNING") == (made.job.id, ServeApplication.objects.get(made.id).status)
        found = ServeApplication.objects.filter(plugin_code=job.plugin_release.plugin.code)
        assert [made] == list(found)
