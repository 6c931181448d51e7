"""Agents and what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AgentTwins
from synapse.entities.choices import ServeStatus
from synapse.entities.typed import AgentQueries, ServeApplicationQueries
from synapse.errors import QueryError
from synapse.mapping import Json, Uuid, read_only
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, entity
from synapse.orm.binding import held
from synapse.query import EXACT, By, Exact

if TYPE_CHECKING:
    from synapse.entities.job import Job, JobManager


class AgentManager(AgentQueries):
    """Queries of agents."""


@entity("agents")
class Agent(AgentTwins, Entity):
    """A machine that runs plugins."""

    id: int = read_only()
    name: str
    url: str | None = None
    status: str | None = read_only()
    token: str | None = read_only(secret=True)
    node_install_script: str | None = read_only(secret=True)

    jobs = ToMany["JobManager"](by="agent")

    objects = ManagedBy(AgentManager)

    lookups = {
        "id": EXACT,
    }

    @property
    def is_connected(self) -> bool:
        """Whether the backend counts it as connected."""
        return (self.status or "").lower() == "connected"

    @sends
    def check(self) -> Json:
        """Report the agent as connected, with its own token, and return the backend's answer.

        Raises `NotFoundError` where the backend does not know the token.
        """
        session = held(self, "check")
        if not self.token:
            raise QueryError(f"{self!r} has no token that this account may see; ask for one with more rights")
        answer: Json = session.dialect.unwrap(session.send(session.dialect.actions.connect(self.token))) or {}
        return answer


class ServeApplicationManager(ServeApplicationQueries):
    """Queries of serve applications."""


@entity("serve_applications")
class ServeApplication(Entity):
    """A model that an agent serves, deployed by a job."""

    id: int = read_only()
    job_id: Uuid
    status: ServeStatus | str = ServeStatus.NOT_STARTED
    data: Json | None = None

    job = ToOne["Job"](via="job_id")

    objects = ManagedBy(ServeApplicationManager)

    lookups = {
        "plugin_code": By(Exact, of=str),
        "job__agent": By(Exact, of="Agent"),
    }
