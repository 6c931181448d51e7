"""Every kind of answer the backend gives, key by key."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from . import models
from .fileinfo import as_array, by_specification, of_unit, primary, summary
from .representation import Face, Opening, computed, declare, ids_of, plain, stored_file

NO_OP = Opening()


def related_count(model: Any, by: str) -> Any:
    """Count the rows of *model* that point at the outer row by *by*."""
    rows = model.objects.filter(**{by: OuterRef("pk")}).order_by().values(by)
    numbers = rows.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(numbers, output_field=IntegerField()), 0)


def counted(name: str, model: Any, by: str) -> Any:
    """Read the number of rows of *model* that point at this row by *by*."""
    return computed(lambda row: row.__dict__[name], count=related_count(model, by))


def install_script(agent: models.Agent) -> str:
    """Return the line that installs an agent on a machine."""
    return f'curl -fsSL "$SYNAPSE_HOST/agents/{agent.token}/node_install_script/" | bash'


COLLECTION = (
    "id name description category meta caution access_level is_archived count_projects tenant created"
    " file_specifications"
)
PROJECT = (
    "id title description category data_collection configuration settings caution access_level"
    " count_max_assignments_per_task can_discard enable_workforce is_archived tenant created task_count"
)
SDK_TASK = (
    "id project data_unit workshop data meta schema is_discarded count_assignments tags status_label"
    " status_review created"
)
ASSIGNMENT = (
    "id task user reviewer status_label status_review is_confirmed is_discarded is_discard_confirmed data file"
    " tags label_submitted last_labeled last_reviewed labeler_last_action_at reviewer_last_action_at created"
)
RELEASE = (
    "id plugin version config readme run_schema installation_schema available_actions requirements file debug"
    " is_released author meta created"
)
JOB = (
    "id status action params plugin_release agent progress_record metrics_record result meta console_logs"
    " is_active created modified completed"
)
EVENT = (
    "id pgh_id pgh_obj_id pgh_label pgh_created_at category data files data_unit ground_truth_dataset project"
    " classes created"
)

declare(
    "project",
    Face(
        models.Project,
        PROJECT,
        computed={"task_count": counted("task_count", models.Task, "project")},
    ),
)
declare(
    "data_collection",
    Face(
        models.DataCollection,
        COLLECTION,
        computed={
            "count_projects": counted("count_projects", models.Project, "data_collection"),
            "file_specifications": ids_of("file_specifications"),
        },
        opens={"file_specifications": Opening("file_specification", many=True)},
    ),
)
declare(
    "file_specification",
    Face(
        models.FileSpecification,
        "id name description file_type configuration is_sequential is_required is_primary function_type index",
    ),
)
declare(
    "data_file",
    Face(
        models.DataFile,
        "id checksum file size file_size meta storage processing_status created created_at updated_at",
        computed={
            "file_size": plain("size"),
            "created_at": Face(models.DataFile, "created").columns["created"],
            "updated_at": Face(models.DataFile, "modified").columns["modified"],
        },
    ),
)
declare(
    "data_unit",
    Face(
        models.DataUnit,
        "id data_collection group checksum meta files can_generate_task created",
        computed={"files": of_unit(by_specification)},
        opens={"files": NO_OP},
    ),
)
declare(
    "task_tag",
    Face(models.TaskTag, "id project name category description meta created"),
)

TASK_PARTS: dict[str, Any] = {
    "computed": {"count_assignments": counted("count_assignments", models.Assignment, "task")},
    "opens": {
        "data_unit": Opening("data_unit"),
        "assignment": Opening(
            "assignment_brief", attribute="current_assignment", fetch="assignments", always=False
        ),
        "data": NO_OP,
        "workshop": NO_OP,
    },
}
declare("task", Face(models.Task, f"{SDK_TASK} has_data", **TASK_PARTS))
declare("sdk_task", Face(models.Task, SDK_TASK, **TASK_PARTS), main=False)
declare("task_data", Face(models.Task, "id data"), main=False)
declare(
    "task_files",
    Face(models.Task, "id files", computed={"files": of_unit(as_array, "data_unit")}),
    main=False,
)
declare(
    "task_brief",
    Face(
        models.Task,
        "id project data_unit workshop meta schema is_discarded tags status_label status_review created",
        opens={"data_unit": Opening("data_unit")},
    ),
    main=False,
)

ASSIGNMENT_FILE = {"file": of_unit(primary, "task__data_unit")}
ASSIGNMENT_OPENS = {"task": Opening("task_brief"), "data": NO_OP}
declare(
    "assignment",
    Face(models.Assignment, ASSIGNMENT, computed=ASSIGNMENT_FILE, opens=ASSIGNMENT_OPENS),
)
declare(
    "sdk_assignment",
    Face(
        models.Assignment,
        f"{ASSIGNMENT} data_unit",
        computed={**ASSIGNMENT_FILE, "data_unit": of_unit(summary, "task__data_unit")},
        opens=ASSIGNMENT_OPENS,
    ),
    main=False,
)
declare(
    "assignment_brief",
    Face(
        models.Assignment,
        "id task user reviewer status_label status_review is_confirmed is_discarded data created",
    ),
    main=False,
)
declare("assignment_data", Face(models.Assignment, "id data"), main=False)
declare(
    "assignment_files",
    Face(models.Assignment, "id files", computed={"files": of_unit(as_array, "task__data_unit")}),
    main=False,
)

declare(
    "ground_truth_dataset",
    Face(models.GroundTruthDataset, "id name description project tenant created"),
)
declare(
    "ground_truth_version",
    Face(
        models.GroundTruthVersion,
        "id version ground_truth_dataset description is_archived created",
        opens={"ground_truth_dataset": Opening("ground_truth_dataset")},
    ),
)
declare(
    "ground_truth",
    Face(
        models.GroundTruth,
        "id ground_truth_dataset data_unit task project category data classes files created",
        computed={"files": of_unit(by_specification, "data_unit")},
    ),
)
declare(
    "ground_truth_event",
    Face(
        models.GroundTruthEvent,
        EVENT,
        computed={
            "pgh_obj_id": plain("pgh_obj_id"),
            "files": of_unit(by_specification, "data_unit"),
            "data_unit": of_unit(summary, "data_unit"),
        },
        opens={"data": NO_OP},
    ),
)
declare("event_data", Face(models.GroundTruthEvent, "id pgh_id data"), main=False)
declare(
    "event_files",
    Face(models.GroundTruthEvent, "id pgh_id files", computed={"files": of_unit(as_array, "data_unit")}),
    main=False,
)

declare(
    "plugin",
    Face(
        models.Plugin,
        "id tenant code name category description is_active is_public system_only detail created",
    ),
)
declare(
    "plugin_brief",
    Face(models.Plugin, "id code name category manifest", computed={"manifest": plain("detail")}),
    main=False,
)
declare(
    "plugin_release",
    Face(
        models.PluginRelease,
        RELEASE,
        computed={"available_actions": plain("available_actions")},
        opens={"plugin": Opening("plugin_brief")},
    ),
)
declare(
    "job",
    Face(
        models.Job,
        JOB,
        computed={"is_active": plain("is_active")},
        opens={
            "plugin_release": Opening("plugin_release"),
            "agent": Opening("agent"),
            "logs": Opening("job_log", many=True, always=False),
        },
    ),
)
declare(
    "job_log",
    Face(
        models.JobLog, "id job event step level data file datetime created", computed={"job": plain("job_id")}
    ),
)
declare(
    "storage",
    Face(
        models.Storage,
        "id name category provider is_default created",
    ),
)
declare(
    "storage_with_configuration",
    Face(models.Storage, "id name category provider is_default created configuration"),
    main=False,
)
declare(
    "model",
    Face(
        models.Model,
        "id name description category version file parent neural_net dataset project configuration is_released"
        " is_external tenant created",
        computed={"file": stored_file("file")},
        opens={"metrics": Opening(always=False, column=plain("metrics"))},
    ),
)
declare(
    "agent",
    Face(
        models.Agent,
        "id name url status token node_install_script created",
        computed={"node_install_script": computed(install_script)},
    ),
)
declare("serve_application", Face(models.ServeApplication, "id job status data created"))
