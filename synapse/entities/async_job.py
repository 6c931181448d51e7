"""Work that the backend does by itself, such as an export without a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AsyncJobTwins
from synapse.downloads import RemoteFile
from synapse.entities.choices import AsyncJobStatus
from synapse.entities.typed import AsyncJobQueries
from synapse.entities.waiting import FIRST_POLL, named_events, wait_for_end
from synapse.errors import NotFoundError, TransportError
from synapse.mapping import Json, JsonValue, Uuid, read_only, uuid_form
from synapse.orm import Entity, ManagedBy, entity
from synapse.orm.binding import held, send
from synapse.orm.record import missing
from synapse.orm.unconfirmed import Repeating, resolvable_by
from synapse.query import SEARCH, By, Exact, In
from synapse.query.kinds import TextKey
from synapse.transfer import ProgressLike

if TYPE_CHECKING:
    from synapse.session import Session

SILENT = 100
"""So many streams without any news are opened one after another, since a backend ends each after a while."""
PROGRESS, COMPLETED = "async_job.progress", "async_job.completed"
ENDED = (AsyncJobStatus.COMPLETED, AsyncJobStatus.FAILED, AsyncJobStatus.CANCELLED)


class AsyncJobManager(AsyncJobQueries):
    """Queries of asynchronous jobs, and the download of their files."""

    _file_fields = ("file",)


@entity("async_jobs", key=TextKey(form=uuid_form), order_by=("created", "id"))
class AsyncJob(AsyncJobTwins, Entity):
    """One piece of work of the backend's own, with its progress; only those that you began are there."""

    id: Uuid = read_only()
    status: AsyncJobStatus | str = read_only()
    category: str = read_only()
    type: str = read_only()
    queue: str = read_only()
    triggered_by: str = read_only()
    progress: Json | None = read_only()
    data: JsonValue = read_only()
    file: RemoteFile | None = read_only()
    ray_job_id: str | None = read_only()
    created: datetime | None = read_only()
    started: datetime | None = read_only()
    finished: datetime | None = read_only()
    succeeded: datetime | None = read_only()
    failed: datetime | None = read_only()

    _made_by = "the backend, for each export and each action on many rows"

    objects = ManagedBy(AsyncJobManager)

    lookups = {
        "id": By(In),
        "triggered_by": By(Exact, of=str),
        "search": SEARCH,
    }

    @property
    def has_ended(self) -> bool:
        """Whether the work, as it was last loaded, has come to an end."""
        return self.status in ENDED

    @property
    def percent(self) -> float:
        """How far the work has come, from 0 to 100, as it was last loaded."""
        done = (self.progress or {}).get("percent")
        return float(done) if isinstance(done, int | float) else 0.0

    @sends(twin="adone", waits=True)
    def wait(self, *, timeout: float | None = None, progress: ProgressLike = None) -> AsyncJob:
        """Wait for the end of the work and return it, loaded anew; its `status` says how it ended.

        Raises `WaitTimeoutError` after *timeout* seconds; the work goes on.
        """
        wait_for_end(self, called="async job", instead="cancel()", timeout=timeout, progress=progress)
        return self

    @sends(streams=True)
    def follow(self) -> Iterator[Json]:
        """Follow the progress until the work ends, which is loaded anew then: `percent` and what else the backend says.

        Where the backend ends a stream before that, another one is opened. Raises `DoesNotExist` for work that the
        backend does not know, and `TransportError` if a stream breaks off; the work goes on.
        """
        return self._follow(held(self, "follow"))

    def _follow(self, session: Session) -> Iterator[Json]:
        silent = 0
        while silent < SILENT:
            silent += 1
            try:
                with session.lines(session.dialect.actions.follow(self.pk)) as lines:
                    for name, told in named_events(lines):
                        if name == "error":
                            self.refresh()  # what the backend does not know any more is told by its address
                            said = session.masked(str(told.get("message")))
                            raise TransportError(f"the progress of async job {self.pk} ended: {said}")
                        if name in (PROGRESS, COMPLETED):
                            silent = 0
                            yield told
                        if name == COMPLETED:
                            self.refresh()
                            return
            except NotFoundError as error:
                said = f"AsyncJob {self.pk} does not exist (any more): {error}"
                raise missing(AsyncJob, said, cause=error) from error
            session.pause(FIRST_POLL)
        raise TransportError(
            f"async job {self.pk} told nothing of its progress in {SILENT} streams; wait() for it instead"
        )

    @sends
    def cancel(self) -> AsyncJob:
        """Cancel the work and load it anew; raises `ConflictError` where it has ended."""
        session = held(self, "cancel")
        with resolvable_by(lambda _: Repeating(host=session.host, session=session)):
            send(self, session.dialect.actions.cancel(self.pk), session=session)
        return self.refresh()
