"""Objects that go by a text: a code until they are loaded, or a UUID in one form."""

from __future__ import annotations

import pickle
import uuid

from collections.abc import Callable
from typing import Any

import pytest

from synapse import Job, JobLog, Plugin, PluginRelease, ServeApplication
from synapse.testing import CannedSession, assert_requests, canned, page

CODE = {"id": 3, "code": "signs", "name": "Signs"}
RELEASE = {"id": 8, "plugin": 3, "version": "1.0.0"}
ONE = "550e8400-e29b-41d4-a716-446655440000"
FORMS = (ONE, ONE.upper(), ONE.replace("-", ""), uuid.UUID(ONE), ONE.title())


def plugins() -> CannedSession:
    """A session to one plugin and its release, by key and by code."""
    return canned(
        {
            **{f"GET plugins/{key}/": CODE for key in ("signs", 3)},
            **{f"GET plugin_releases/{key}/": RELEASE for key in ("signs@1.0.0", 8)},
            "GET plugins/": page(CODE),
            "PUT plugins/signs/": {**CODE, "name": "New"},
        }
    )


LOADS: dict[str, Callable[[Plugin], object]] = {
    "refresh": lambda plugin: plugin.refresh(),
    "a field": lambda plugin: plugin.name,
    "save": lambda plugin: (setattr(plugin, "name", "New"), plugin.save()),
}


class TestCodes:
    @pytest.mark.parametrize("made", [Plugin.ref("signs"), PluginRelease.ref("signs@1.0.0")])
    def test_have_no_hash(self, made: Any):
        """A set would lose the object when it is loaded; nothing is sent to find out."""
        with (
            assert_requests(0, session=plugins()),
            pytest.raises(TypeError, match=r"call \.refresh\(\) first"),
        ):
            hash(made)

    @pytest.mark.parametrize("load", LOADS)
    def test_give_way_to_the_key_when_it_is_loaded(self, load: str):
        """Loaded by whatever, the object has its key, and the hash and the sets that go with it."""
        with plugins():
            found = Plugin.ref("signs")
            LOADS[load](found)

        assert (3, True) == (found.pk, found in {Plugin.ref(3)})

    def test_are_compared_until_then(self):
        """References by one code are equal, and equal to the object by key that shows the code; nothing is sent."""
        with plugins() as session:
            loaded = Plugin.objects.get(3)
            with assert_requests(0, session=session):
                assert Plugin.ref("signs") == Plugin.ref("signs") != Plugin.ref("lanes")
                assert Plugin.ref("signs") == loaded == Plugin.ref("signs")
                assert Plugin.ref("lanes") != loaded != Plugin.ref("lanes")
                assert Plugin.ref("signs") != Plugin.ref(3)

    def test_of_releases_are_compared_where_both_are_known(self):
        """A release shows its code where its plugin is loaded."""
        with plugins():
            [found] = Plugin.objects.filter(is_active=True)
            loaded = PluginRelease.objects.get(8)
            assert PluginRelease.ref("signs@1.0.0") != loaded
            assert found == loaded.plugin

            assert PluginRelease.ref("signs@1.0.0") == loaded != PluginRelease.ref("signs@2.0.0")

    def test_travel_in_pickles(self):
        """A reference by code arrives as one."""
        assert Plugin.ref("signs") == pickle.loads(pickle.dumps(Plugin.ref("signs")))


class TestUuids:
    @pytest.mark.parametrize("form", FORMS)
    def test_are_keys_in_one_form(self, form: Any):
        """However a job is named, it is one object, one key in filters, one address."""
        session = canned({f"GET jobs/{ONE}/": {"id": ONE.upper(), "status": "running"}})

        assert {Job.ref(ONE)} == {Job.ref(form), Job.objects.using(session).get(form)}
        assert [ONE] == list(Job.objects.using(session).in_bulk([form]))
        assert f"<QuerySet JobLog job='{ONE}' (not fetched)>" == repr(JobLog.objects.filter(job=form))

    @pytest.mark.parametrize("form", [str(form) for form in FORMS])
    def test_are_read_and_set_in_one_form(self, form: str):
        """Fields that hold one are equal, whoever wrote it."""
        session = canned({"GET logs/": page({"id": 1, "job": form, "event": "e"})})
        [log] = JobLog.objects.using(session)

        assert (ONE, ONE, ONE) == (
            log.job_id,
            JobLog(job=form, event="e", datetime="2026-01-01T00:00:00Z").job_id,
            ServeApplication(job_id=form).job_id,
        )
        assert {} == log.changes

    @pytest.mark.parametrize("text", ["job-1", "550e8400e29b41d4a71644665544000", "ABC"])
    def test_other_text_stays(self, text: str):
        """What is no UUID is not rewritten."""
        assert text == Job.ref(text).pk

    def test_that_a_plugin_answers_with_are_in_that_form(self):
        """`plugin.run()` gives the job by the key that it is read by."""
        session = canned({"GET plugins/3/": CODE, "POST plugins/3/run/": {"job_id": ONE.upper()}})

        assert Job.ref(ONE) == Plugin.objects.using(session).get(3).run(action="train", params={})
