"""Work that the backend does by itself, such as an export without a plugin."""

from __future__ import annotations

from datetime import datetime

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AsyncJobTwins
from synapse.downloads import RemoteFile
from synapse.entities.choices import AsyncJobStatus
from synapse.entities.typed import AsyncJobQueries
from synapse.entities.waiting import wait_for_end
from synapse.mapping import Json, JsonValue, Uuid, read_only, uuid_form
from synapse.orm import Entity, ManagedBy, entity
from synapse.orm.binding import held, send
from synapse.orm.unconfirmed import Repeating, resolvable_by
from synapse.query import SEARCH, By, Exact
from synapse.query.kinds import TextKey
from synapse.transfer import ProgressLike

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

    @sends
    def cancel(self) -> AsyncJob:
        """Cancel the work and load it anew; raises `ConflictError` where it has ended."""
        session = held(self, "cancel")
        with resolvable_by(lambda _: Repeating(host=session.host, session=session)):
            send(self, session.dialect.actions.cancel(self.pk), session=session)
        return self.refresh()
