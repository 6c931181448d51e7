"""Jobs: what plugins do in the background, and the logs that they leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import JobLogManagerTwins, JobTwins
from synapse.dialects import Generation, homes
from synapse.downloads import RemoteFile
from synapse.entities.choices import JobStatus, LogLevel
from synapse.entities.typed import JobLogQueries, JobQueries
from synapse.entities.waiting import frame, wait_for_end
from synapse.errors import NotFoundError, TransportError
from synapse.mapping import UNSET, Json, JsonValue, Uuid, read_only, uuid_form
from synapse.masking import outline
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, answers, entity
from synapse.orm.answers import adopt_verb_answer
from synapse.orm.binding import held, send
from synapse.orm.questions import Edit
from synapse.orm.record import missing, peek, table_of
from synapse.orm.unconfirmed import resolvable_by
from synapse.query import EXACT, By, Exact
from synapse.query.kinds import TextKey
from synapse.transfer import ProgressLike, data_uri, tracked

if TYPE_CHECKING:
    from synapse.entities.agent import Agent
    from synapse.entities.plugin import PluginRelease
    from synapse.entities.typed import JobLogCreation
    from synapse.session import Session


Moment = datetime

ENDED = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPED)


class JobLogManager(JobLogManagerTwins, JobLogQueries):  # type: ignore[misc]
    """Queries of log entries, their writing and the download of their files."""

    _file_fields = ("file",)

    @sends
    def create(  # type: ignore[override]
        self,
        *,
        file: str | PathLike[str] | RemoteFile | None = None,
        progress: ProgressLike = None,
        dry_run: bool = False,
        **values: Unpack[JobLogCreation],
    ) -> JobLog:
        """Write one entry, of this moment unless `datetime` is given; the file at the path *file* travels inside of it.

        Such a file has 16 MiB at most, a larger one is a `TransferError`.
        """
        values.setdefault("datetime", now())
        if not isinstance(file, str | PathLike):
            given = {} if file is None else {"file": file}
            return super().create(dry_run=dry_run, **given, **values)
        inside = data_uri(file)
        with tracked(progress, total=len(inside), label="log entry") as advanced:
            made = super().create(dry_run=dry_run, file=RemoteFile(url=inside), **values)
            advanced(len(inside))
        return made


class JobManager(JobQueries):
    """Queries of jobs."""


@entity("jobs", key=TextKey(form=uuid_form), order_by=("created", "id"))
class Job(JobTwins, Entity):
    """One run of a plugin's action; its key is a UUID."""

    id: Uuid = read_only()
    status: JobStatus | str = read_only()
    action: str = read_only()
    params: Json | None = read_only()
    plugin_release_id: int | None = read_only()
    agent_id: int | None = read_only()
    progress_record: Json | None = None
    metrics_record: Json | None = None
    result: JsonValue = None
    meta: Json | None = None
    queue: Json | None = read_only()
    error: Json | None = read_only()
    is_active: bool = read_only()
    created: datetime | None = read_only()
    modified: datetime | None = read_only()
    completed: datetime | None = read_only()

    plugin_release = ToOne["PluginRelease | None"](via="plugin_release_id")
    agent = ToOne["Agent | None"](via="agent_id")
    logs = ToMany["JobLogManager"](by="job")

    objects = ManagedBy(JobManager)

    _made_by = "plugin.run(action=...)"

    lookups = {
        "status": EXACT,
        "agent": EXACT,
        "plugin": By(Exact, of="Plugin"),
        "action": EXACT,
    }

    @property
    def has_ended(self) -> bool:
        """Whether the job, as it was last loaded, has come to an end."""
        return self.status in ENDED

    @property
    def percent(self) -> float:
        """How far the job has come, from 0 to 100, as it was last loaded."""
        current = (self.progress_record or {}).get("current_progress")
        done = current.get("percent", current.get("overall")) if isinstance(current, dict) else None
        return float(done) if isinstance(done, int | float) else 0.0

    @sends(twin="adone", waits=True)
    def wait(self, *, timeout: float | None = None, progress: ProgressLike = None) -> Job:
        """Wait for the end of the job and return it, loaded anew; its `status` says how it ended.

        Raises `WaitTimeoutError` after *timeout* seconds; the job goes on.
        """
        wait_for_end(self, called="job", instead="stop()", timeout=timeout, progress=progress)
        return self

    @sends
    def stop(self, *, via: Generation | None = None) -> Job:
        """Mark the job as stopped; a job that is known to have ended is left unchanged.

        *via* names an API generation: the second one has the job's agent stop it. Raises `WriteIgnoredError` where the
        answer shows that it goes on.
        """
        api = None if via is None else homes.check_generation(via)
        if peek(self, "status") in ENDED:
            return self
        session = held(self, "stop")
        request = homes.via(session.dialect, api).actions.stop(self.pk)

        def question(_: object) -> Edit:
            known = peek(self, "status")
            return Edit(
                entity="Job",
                pk=self.pk,
                sent={"status": JobStatus.STOPPED.value},
                before={"status": known if known is UNSET else str(known)},
                host=session.host,
                session=session,
                objects=(self,),
            )

        def check(row: Json) -> None:
            if self.status in (JobStatus.PENDING, JobStatus.RUNNING):
                found = {"status": (JobStatus.STOPPED.value, str(self.status))}
                raise answers.ignoring(Job, self.pk, ignored=found, before={}, row=session.masked(row))

        with resolvable_by(question):
            table = table_of(Job, session, api=api)
            row = table.one(send(self, request, session=session))
            # An object goes by its home, which names fields otherwise: what another one shows is read again.
            row = row if table.api == table_of(Job, session).api else None
            adopt_verb_answer(self, row, session=session, sent={"status"}, check=check)
        return self

    @sends
    def console_logs(self) -> list[str]:
        """Give the lines that the job has printed so far."""
        session = held(self, "console_logs")
        reply = send(self, session.dialect.actions.console_logs(self.pk), session=session)
        printed = session.dialect.actions.printed(reply)
        if not isinstance(printed, list | None):
            raise TransportError(
                f"job {self.pk}: expected its console's lines, got {outline(printed)}",
                method="GET",
                status_code=reply.status,
            )
        return [str(line) for line in printed or ()]

    @sends(streams=True)
    def tail(self) -> Iterator[str]:
        """Follow the lines that the job prints, from its first one, until it ends.

        A job may print nothing for hours. Raises `DoesNotExist` for a job that the backend does not know, and
        `TransportError` if the stream breaks off: the connection is lost, or no heartbeat came for four times the
        longest interval so far. `console_logs()` keeps what was printed.
        """
        return self._tail(held(self, "tail"))

    def _tail(self, session: Session) -> Iterator[str]:
        said = "it broke off before the job ended; tail() again, or read console_logs()"
        begun = refused = False
        try:
            with session.lines(session.dialect.actions.tail(self.pk)) as lines:
                for told in filter(None, map(frame, lines)):
                    if told.get("type") == "log":
                        yield _unwrapped(told.get("data"))
                    elif told.get("type") == "complete":
                        return
                    elif told.get("type") == "error":
                        refused, said = not begun, session.masked(str(told.get("message")))
                        break
                    begun = True
        except NotFoundError as error:
            raise missing(Job, f"Job {self.pk} does not exist (any more): {error}", cause=error) from error
        if refused:
            # An unknown job is told in words only, whatever their language; its address tells for sure.
            send(self, table_of(Job, session).detail(self.pk), session=session)
        raise TransportError(f"the log of job {self.pk} ended: {said}")


def _unwrapped(data: Any) -> str:
    """Take the text out of a log frame, which an agent may have wrapped in a frame of its own."""
    inner = frame(data) if isinstance(data, str) else {}
    message = inner.get("message", inner.get("data"))
    return str(message if message is not None else data).rstrip("\n")


def now() -> datetime:
    """Give this moment, aware."""
    return datetime.now(UTC)


@entity("job_logs", order_by=("id",))
class JobLog(Entity):
    """One entry of a job's structured log."""

    id: int = read_only()
    job_id: Uuid
    event: str
    data: JsonValue = None
    datetime: Moment
    step: str = ""
    level: LogLevel | str = LogLevel.INFO
    file: RemoteFile | None = None
    created: Moment | None = read_only()

    job = ToOne["Job"](via="job_id")

    objects = ManagedBy(JobLogManager)

    lookups = {
        "job": EXACT,
        "event": EXACT,
        "level": EXACT,
    }
