"""The documented client, method for method, over the session, the transfers and the reading engine."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from synapse.client import (
    annotation,
    collections,
    core,
    human_in_the_loop,
    integration,
    jobs,
    machine_learning,
    storages,
)
from synapse.client.conversion import checked_folder
from synapse.client.hosts import HostSession
from synapse.client.lists import USUAL_SIZE
from synapse.entities import Session
from synapse.errors import ConfigError, QueryError, describe
from synapse.masking import conceal
from synapse.session import Retry
from synapse.session.process import Locks
from synapse.transfer.local_file import PathLike


class BackendClient:
    """The backend by plain calls that return plain dicts and lists, named as in the documented client.

    What is not given comes from the environment (`SYNAPSE_HOST`, `SYNAPSE_API_TOKEN`, `SYNAPSE_AGENT_TOKEN`), then from
    `~/.synapse/config.json`. `access_token` is another name for `api_token`; an `authorization_token` needs its
    `tenant`. With `url_host="internal"`, file addresses work inside the backend's own network.

    A parameter that the backend would ignore is refused, unless `strict=False`. `session` is a `synapse.Session`:
    `Task.objects.using(client.session)` uses it, too. Files that `url_conversion` fetches are kept in `files_dir`, by
    default a temporary folder that is removed when the process ends.
    """

    name = "Backend"
    page_size = USUAL_SIZE

    def __init__(
        self,
        base_url: str | None = None,
        api_token: str | None = None,
        agent_token: str | None = None,
        timeout: Mapping[str, float] | None = None,
        *,
        access_token: str | None = None,
        authorization_token: str | None = None,
        tenant: str | None = None,
        url_host: str | None = None,
        strict: bool = True,
        retry: Retry | None = None,
        files_dir: PathLike | None = None,
    ) -> None:
        # From here on, whatever lists variables shows no secret of these.
        api_token, access_token = conceal(api_token), conceal(access_token)
        agent_token, authorization_token = conceal(agent_token), conceal(authorization_token)
        if api_token is not None and access_token is not None:
            raise ConfigError("api_token and access_token are two names of one token: give one of them")
        self.session: Session = HostSession(
            base_url,
            api_token=access_token if api_token is None else api_token,
            agent_token=agent_token,
            user_token=authorization_token,
            tenant=tenant,
            timeout=timeout,
            retry=retry,
            url_host=url_host,
            # Its methods are those of this API, whatever the environment says for queries.
            api="v1",
        )
        self.strict = strict
        self._chosen: Path | None = None if files_dir is None else checked_folder(files_dir)
        self._files_dir = self._chosen
        self._locks = Locks()

    @property
    def base_url(self) -> str:
        """The address of the backend, without a trailing slash."""
        return self.session.host

    @property
    def timeout(self) -> dict[str, float]:
        """The seconds to wait for a connection and for an answer."""
        timeout = self.session.settings.timeout
        return {"connect": timeout.connect, "read": timeout.read}

    @property
    def tenant(self) -> str | None:
        """The workspace that was named, if any."""
        return self.session.settings.tenant

    @property
    def files_dir(self) -> Path:
        """The folder that `url_conversion` fetches files into."""
        with self._locks.mine:
            if self._files_dir is None:
                self._files_dir = _temporary_folder()
            return self._files_dir

    # --- projects, tasks, tags -------------------------------------------------
    get_project = annotation.get_project
    get_task = annotation.get_task
    annotate_task_data = annotation.annotate_task_data
    annotate_task_data_batch = annotation.annotate_task_data_batch
    get_task_tag = annotation.get_task_tag
    list_task_tags = annotation.list_task_tags
    list_tasks = annotation.list_tasks
    list_tasks_data = annotation.list_tasks_data
    list_tasks_files = annotation.list_tasks_files
    create_tasks = annotation.create_tasks
    set_tags_tasks = annotation.set_tags_tasks

    # --- assignments -----------------------------------------------------------
    get_assignment = human_in_the_loop.get_assignment
    list_assignments = human_in_the_loop.list_assignments
    list_assignments_data = human_in_the_loop.list_assignments_data
    list_assignments_files = human_in_the_loop.list_assignments_files
    set_tags_assignments = human_in_the_loop.set_tags_assignments

    # --- collections, files, units ---------------------------------------------
    create_chunked_upload = core.create_chunked_upload
    get_chunked_upload = core.get_chunked_upload
    list_data_collection = collections.list_data_collections
    list_data_collections = collections.list_data_collections
    get_data_collection = collections.get_data_collection
    create_data_file = collections.create_data_file
    upload_data_file = collections.upload_data_file
    create_data_units = collections.create_data_units
    upload_data_collection = collections.upload_data_collection
    get_data_unit = collections.get_data_unit
    list_data_units = collections.list_data_units
    verify_data_files_checksums = collections.verify_data_files_checksums

    # --- agents, plugins, what is served ---------------------------------------
    list_agents = integration.list_agents
    health_check_agent = integration.health_check_agent
    get_plugin = integration.get_plugin
    create_plugin = integration.create_plugin
    update_plugin = integration.update_plugin
    run_plugin = integration.run_plugin
    create_plugin_release = integration.create_plugin_release
    get_plugin_release = integration.get_plugin_release
    get_plugin_release_by_lookup = integration.get_plugin_release_by_lookup
    list_plugin_releases = integration.list_plugin_releases
    create_serve_application = integration.create_serve_application
    list_serve_applications = integration.list_serve_applications

    # --- jobs ------------------------------------------------------------------
    list_jobs = jobs.list_jobs
    get_job = jobs.get_job
    update_job = jobs.update_job
    list_job_console_logs = jobs.list_job_console_logs
    tail_job_console_logs = jobs.tail_job_console_logs
    create_logs = jobs.create_logs

    # --- storages --------------------------------------------------------------
    list_storages = storages.list_storages
    get_storage = storages.get_storage
    create_storage = storages.create_storage
    get_default_storage = storages.get_default_storage
    upload_files_bulk = storages.upload_files_bulk
    request_presigned_upload = storages.request_presigned_upload
    upload_file_to_presigned_url = storages.upload_file_to_presigned_url
    confirm_presigned_upload = storages.confirm_presigned_upload

    # --- models, ground truths -------------------------------------------------
    list_models = machine_learning.list_models
    get_model = machine_learning.get_model
    create_model = machine_learning.create_model
    list_ground_truth_events = machine_learning.list_ground_truth_events
    list_ground_truth_events_data = machine_learning.list_ground_truth_events_data
    list_ground_truth_events_files = machine_learning.list_ground_truth_events_files
    list_ground_truths = machine_learning.list_ground_truths
    get_ground_truth_version = machine_learning.get_ground_truth_version
    list_ground_truth_versions = machine_learning.list_ground_truth_versions

    # --- the client itself -----------------------------------------------------
    def exists(self, api: str, *args: Any, **kwargs: Any) -> bool:
        """Whether a list has any rows: `client.exists("list_tasks", {"project": 1})`."""
        name: object = api
        if not isinstance(name, str) or not name.startswith("list_") or not hasattr(type(self), name):
            raise QueryError(f"exists() takes the name of a list, such as 'list_tasks', not {describe(api)}")
        found = getattr(self, api)(*args, **kwargs)
        return bool(
            found.get("count") if isinstance(found, dict) else found[1] if isinstance(found, tuple) else found
        )

    def reset_connection(self) -> None:
        """Close the sockets, for example when the connection seems dead; the next call opens new ones."""
        self.session.reset()

    def close(self) -> None:
        """Free the sockets; a later call would open new ones."""
        if not self.session.closed:
            self.session.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "session"):  # what lists the variables of a refusal meets it half made
            return "<BackendClient without settings>"
        return f"<BackendClient {self.base_url}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"session": self.session, "strict": self.strict, "_chosen": self._chosen}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A temporary folder is of one process.
        self.__dict__.update(state, _files_dir=state["_chosen"], _locks=Locks())


def _temporary_folder() -> Path:
    folder, owner = Path(tempfile.mkdtemp(prefix="synapse-files-")), os.getpid()

    def remove() -> None:
        # A forked child leaves it to its parent.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
