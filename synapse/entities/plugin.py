"""Plugins, their releases, and running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import PluginTwins
from synapse.downloads import RemoteFile
from synapse.entities.actions import check_action
from synapse.entities.choices import PluginCategory
from synapse.entities.typed import PluginQueries, PluginReleaseQueries
from synapse.errors import Resolution, TransportError
from synapse.mapping import Json, read_only, uuid_form
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, answers, arguments, entity
from synapse.orm.answers import object_made
from synapse.orm.binding import check_host, held, send
from synapse.orm.cached_rows import dropping_all_cached, renewing
from synapse.orm.questions import Creation
from synapse.orm.record import entity_named, objects_of, peek, reference, table_of
from synapse.orm.unconfirmed import Asked, Repeating, resolvable_by
from synapse.query import EXACT
from synapse.query.kinds import Reference, TextKey
from synapse.transfer import ProgressLike

if TYPE_CHECKING:
    from synapse.entities.agent import Agent
    from synapse.entities.job import Job, JobManager
    from synapse.entities.storage import Storage
    from synapse.orm.unconfirmed import Moment
    from synapse.session import Session


class PluginManager(PluginQueries):
    """Queries of plugins."""


@entity("plugins", key=TextKey(number=True), order_by=("id", "created"), natural=("code", "name"))
class Plugin(PluginTwins, Entity):
    """An extension that runs on agents; `get()` takes its code as well as its id."""

    id: int = read_only()
    code: str
    name: str
    category: PluginCategory | str
    description: str = ""
    is_active: bool = True
    is_public: bool = False
    system_only: bool = False
    detail: Json = attrs.field(factory=dict)
    tenant: int | None = read_only()
    created: datetime | None = read_only()

    releases = ToMany["PluginReleaseManager"](by="plugin")
    jobs = ToMany["JobManager"](by="plugin")

    objects = ManagedBy(PluginManager)

    lookups = {
        "category": EXACT,
        "is_active": EXACT,
    }

    def _code(self) -> str | None:
        code: str | None = peek(self, "code", default=None)
        return code

    @sends
    def run(
        self,
        *,
        action: str,
        params: Mapping[str, Any] | None = None,
        agent: Agent | int | None = None,
        storage: Storage | int | None = None,
        version: str | None = None,
        debug: bool = False,
        language: str | None = None,
    ) -> Job:
        """Run an action and return its job, to follow with `job.wait()` or `job.tail()`.

        Without a version the newest release runs. Raises `QueryError` for an action that the release does not have (the
        list of actions is cached for a while), and `ValidationError` if the backend refuses the parameters.
        """
        body = {
            "action": arguments.text("run(action=...)", action),
            "params": arguments.json_object("run(params=...)", {} if params is None else params),
            "agent": None if agent is None else Reference("Agent").check("run(agent=...)", agent),
            "storage_id": None
            if storage is None
            else Reference("Storage").check("run(storage=...)", storage),
            "version": None if version is None else arguments.text("run(version=...)", version),
            "debug": arguments.flag("run(debug=...)", debug) or None,
            "language": None if language is None else arguments.text("run(language=...)", language),
        }
        session = held(self, "run")
        check_host(session, [agent, storage], what="run()")
        sent = {name: value for name, value in body.items() if value is not None}
        request = session.dialect.actions.run(self.pk, sent)
        check_action(self, action, version=version, session=session)

        def question(since: Moment) -> Running:
            shown = {"action": sent["action"], "params": sent["params"]}
            if agent is not None:
                shown["agent_id"] = sent["agent"]
            return Running(
                entity="Job",
                sent=(shown,),
                since=since,
                lookups={"plugin": self.pk, "action": sent["action"]},
                host=session.host,
                session=session,
            )

        with renewing(self, "jobs"), resolvable_by(question):
            answer = session.dialect.unwrap(send(self, request, session=session))
            # Of the parameters, a backend may keep only those that it knows.
            named = {"action": sent["action"], "agent_id": sent.get("agent")}
            job = _job(answer, session, named)
            job._state.mode = self._state.mode
            return job

    @sends
    def release(
        self,
        version: str,
        archive: str | PathLike[str],
        *,
        config: Mapping[str, Any] | None = None,
        requirements: Sequence[str] = (),
        debug: bool = False,
        progress: ProgressLike = None,
    ) -> PluginRelease:
        """Publish a zip archive as a release; a version that exists is refused with `ValidationError`.

        With `debug=True` a debug release of that version is replaced instead.
        """
        from synapse.uploads import send_release

        fields = {
            "version": arguments.text("release(version)", version),
            "config": arguments.json_object("release(config=...)", {} if config is None else config),
            "requirements": arguments.texts("release(requirements=...)", requirements),
            "debug": arguments.flag("release(debug=...)", debug),
        }
        session = held(self, "release")
        code = self.code

        def question(since: Moment) -> Asked:
            if debug:
                return Repeating(host=session.host, session=session)  # a replaced release keeps its time
            return Creation(
                entity="PluginRelease",
                sent=({"version": version, "debug": debug},),
                since=since,
                lookups={"plugin": code},
                host=session.host,
                session=session,
            )

        with renewing(self, "releases"), resolvable_by(question), dropping_all_cached(PluginRelease, session):
            reply = send_release(session, archive, fields={"plugin": code, **fields}, progress=progress)
            row = table_of(PluginRelease, session).created(reply)
            made = object_made(PluginRelease, row, session=session, mode=self._state.mode)
            sent = {"version": version, "debug": debug}
            answers.check_created(PluginRelease, row, sent=sent, session=session)
            return made


class PluginReleaseManager(PluginReleaseQueries):
    """Queries of releases, and the download of their archives."""

    _file_fields = ("file",)


@entity("plugin_releases", key=TextKey(number=True), order_by=("id", "created"))
class PluginRelease(Entity):
    """One version of a plugin; `get("code@1.0.0")` finds it by name."""

    id: int = read_only()
    plugin_id: int = read_only()
    version: str = read_only()
    config: Json = attrs.field(factory=dict)
    readme: str = ""
    requirements: Any = None
    run_schema: Any = read_only()
    installation_schema: Any = read_only()
    available_actions: list[str] = read_only()
    file: RemoteFile | None = read_only()
    debug: bool = read_only()
    is_released: bool = False
    author: Any = read_only()
    meta: Json = attrs.field(factory=dict)
    created: datetime | None = read_only()

    plugin = ToOne["Plugin"](via="plugin_id")

    objects = ManagedBy(PluginReleaseManager)

    def _code(self) -> str | None:
        plugin = (self._state.related or {}).get("plugin")
        code, version = plugin and plugin._code(), peek(self, "version", default=None)
        return f"{code}@{version}" if code and version else None

    _made_by = "plugin.release(version, archive)"

    lookups = {
        "plugin": EXACT,
        "debug": EXACT,
    }


@attrs.frozen(kw_only=True)
class Running(Creation):
    """A run of an action: its job is looked for, and some actions have none."""

    def look(self, session: Session) -> Resolution:
        """Look for the job; where none has ever come of this action, that none is there tells nothing."""
        found = super().look(session)
        if (
            found.repeatable
            and not objects_of(entity_named("Job")).using(session).filter(**self.lookups).exists()
        ):
            return Resolution(
                reason="no job came of it, and none ever did of this action: it may run without one"
            )
        return found


def _job(answer: Any, session: Any, sent: Mapping[str, Any]) -> Job:
    """Find the job in the answer of a run, which names it `job_id` beside some of its fields, or none."""
    cls = cast("type[Job]", entity_named("Job"))
    found = answer.get("job_id") or answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(found, str | int):
        raise TransportError(
            f"the action ran without a job; the plugin answered {str(session.masked(answer))[:200]}",
            method="POST",
            url="plugins/run/",
        )
    key = uuid_form(str(found))
    answers.check_created(cls, {**answer, "id": key}, sent=sent, session=session)
    session.note_made(cls._schema.resource, key)
    if "status" in answer:
        return object_made(cls, {**answer, "id": found}, session=session)
    return reference(cls, key, session=session)
