"""The lists of the sandbox as the original libraries make them, beside the sandbox's own, over one database.

`python -m tests.sandbox.stock FOLDER` reads addresses, one a line, and prints for each the answers of both as JSON.
Nothing of the sandbox but its tables and its demo rows is used for the original: filters, search, orders, pages and the
choice of fields are those of django-filter, Django REST framework and drf-flex-fields.
"""

from __future__ import annotations

import json
import sys

from pathlib import Path
from typing import Any, Final

from synapse.sandbox.backend import server
from synapse.sandbox.launch import cache_folder

SHAPED: Final = ("task_tags", "ground_truth_dataset_versions")
KEYS: Final = ("gt", "gte", "lt", "lte")
TITLES: Final = (
    "blue lake",
    "lake, red",
    'a 5" pipe',
    "it's",
    "100%_sure",
    "back\\slash",
    "ÄPFEL",
    "plus+minus",
)


def prepare(folder: Path) -> dict[str, Any]:
    """Make a database with the demo rows and a few of odd names; return what opens it."""
    folder.mkdir(parents=True)
    options = server.Options(data=folder, cache=cache_folder(), seed="demo")
    server.open_database(options)
    facts = server._populate(options)
    from synapse.sandbox.backend import models

    tenant = models.Tenant.objects.get()
    project = models.Project.objects.order_by("pk").first()
    for number, title in enumerate(TITLES):
        models.Project.objects.create(tenant=tenant, title=title, category="image" if number % 2 else "text")
        models.TaskTag.objects.create(
            project=project, name=title, category="export" if number % 2 else "project"
        )
    models.Task.objects.filter(pk__in=[1, 3]).update(is_discarded=True, schema="any")
    return facts


def views() -> dict[str, Any]:
    """Make one view of the original libraries for each list."""
    import django_filters.rest_framework as df

    from rest_flex_fields import FlexFieldsModelSerializer
    from rest_framework import filters, mixins, pagination, viewsets
    from rest_framework import views as original

    from synapse.sandbox.backend import models
    from synapse.sandbox.backend.models.columns import Split
    from synapse.sandbox.backend.models.work import LabelStatus, ReviewStatus

    class NumbersIn(df.BaseInFilter, df.NumberFilter):
        pass

    class Pages(pagination.PageNumberPagination):
        page_size = 20
        page_size_query_param = "page_size"
        max_page_size = 1000

    def bounds(kind: type[Any], *columns: str) -> dict[str, Any]:
        return {f"{c}__{side}": kind(field_name=c, lookup_expr=side) for c in columns for side in KEYS}

    def serializer(table: Any, *names: str, **expandable: Any) -> Any:
        meta = type("Meta", (), {"model": table, "fields": ["id", *names], "expandable_fields": expandable})
        return type(f"{table.__name__}Serializer", (FlexFieldsModelSerializer,), {"Meta": meta})

    def view(
        table: Any, *, search: tuple[str, ...] = (), by: Any = None, first: str = "pk", **keys: Any
    ) -> Any:
        class Original(mixins.ListModelMixin, viewsets.GenericViewSet):
            queryset = table.objects.all()
            serializer_class = by or serializer(table)
            filterset_class = type("Filters", (df.FilterSet,), keys)
            filter_backends = (df.DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter)
            search_fields, ordering_fields, ordering = search, ("id", "created"), (first,)
            pagination_class, authentication_classes, permission_classes = Pages, (), ()

            def get_exception_handler(self) -> Any:
                return original.exception_handler

        return Original.as_view({"get": "list"})

    number, boolean, text, choice = df.NumberFilter, df.BooleanFilter, df.CharFilter, df.ChoiceFilter
    ids = {"id": number(), "id__in": NumbersIn(field_name="id", lookup_expr="in"), **bounds(number, "id")}
    statuses = {
        "status_label": df.MultipleChoiceFilter(choices=LabelStatus.choices),
        "status_review": df.MultipleChoiceFilter(choices=ReviewStatus.choices),
    }
    sdk = {
        "ids": NumbersIn(field_name="pk", lookup_expr="in"),
        "ids_ex": NumbersIn(field_name="pk", lookup_expr="in", exclude=True),
    }
    tasks = {
        **ids,
        **statuses,
        **bounds(df.IsoDateTimeFilter, "created"),
        "project": number(),
        "is_discarded": boolean(),
        "assignments__is_discarded": boolean(distinct=True),
        "schema": choice(choices=models.Task.Schema.choices),
    }
    paths, newest = ("data_unit__files__path_original",), {"first": "-created"}
    dataset = serializer(models.GroundTruthDataset, "name", "description", "project", "tenant", "created")
    version = ("version", "ground_truth_dataset", "description", "is_archived", "created")
    by_version = serializer(models.GroundTruthVersion, *version, ground_truth_dataset=dataset)
    by_tag = serializer(models.TaskTag, "project", "name", "category", "description", "meta", "created")
    tag_category = choice(choices=models.TaskTag.Category.choices)
    return {
        "projects": view(
            models.Project,
            search=("title",),
            category=choice(choices=models.Project.Category.choices),
            data_collection=number(),
        ),
        "tasks": view(models.Task, search=paths, **newest, **tasks, has_data=boolean()),
        "sdk/tasks": view(models.Task, search=paths, **newest, **tasks, **sdk),
        "sdk/assignments": view(
            models.Assignment,
            search=("task__data_unit__files__path_original",),
            **newest,
            **ids,
            **statuses,
            **sdk,
            **bounds(df.IsoDateTimeFilter, "created", "label_submitted"),
            is_discarded=boolean(),
            is_confirmed=boolean(),
            project=number(field_name="task__project"),
        ),
        "task_tags": view(
            models.TaskTag, by=by_tag, search=("name",), project=number(), category=tag_category
        ),
        "data_units": view(models.DataUnit, data_collection=number(), can_generate_task=boolean()),
        "data_files": view(models.DataFile, checksum=text()),
        "plugins": view(
            models.Plugin,
            search=("name", "code"),
            is_active=boolean(),
            category=choice(choices=models.Plugin.Category.choices),
        ),
        "jobs": view(models.Job, agent=number(), action=text(), first="-created"),
        "serve_applications": view(
            models.ServeApplication,
            plugin_code=text(field_name="job__plugin_release__plugin__code"),
            job__agent=number(),
            first="-pk",
        ),
        "models": view(models.Model, search=("name",), is_released=boolean(), project=number(), first="-pk"),
        "ground_truth_dataset_versions": view(
            models.GroundTruthVersion, by=by_version, ground_truth_dataset=number(), is_archived=boolean()
        ),
        "ground_truths": view(
            models.GroundTruth,
            category=choice(choices=Split.choices),
            categories=df.MultipleChoiceFilter(field_name="category", choices=Split.choices),
            task=number(),
            first="-pk",
        ),
    }


def told(status: int, body: Any, *, shaped: bool) -> dict[str, Any]:
    """Say what an answer holds: how many rows there are, and their keys, or the shape of each; or what is refused."""
    if status != 200:
        # Where the original breaks, the sandbox refuses.
        named = sorted(body) if isinstance(body, dict) else ["non_field_errors"]
        return {"status": 400 if status == 500 else status, "refused": named}
    return {"count": body["count"], "rows": [shape(row) if shaped else row["id"] for row in body["results"]]}


def shape(row: dict[str, Any]) -> dict[str, Any]:
    """Name the keys of a row, and of the object that a relation was opened to."""
    opened = row.get("ground_truth_dataset")
    nested = {"ground_truth_dataset": sorted(opened)} if isinstance(opened, dict) else {}
    return {"keys": sorted(row), **nested}


def main(folder: Path) -> None:
    """Answer every address twice."""
    facts = prepare(folder)
    from django.test import Client, RequestFactory

    factory, made = RequestFactory(headers={"Host": "127.0.0.1"}), views()
    client = Client(headers={"Synapse-Access-Token": f"Token {facts['api_token']}", "Host": "127.0.0.1"})
    for line in sys.stdin:
        path, _, query = line.rstrip("\n").partition("?")
        shaped = path in SHAPED
        answer = client.get(f"/{path}/?{query}")
        ours = told(answer.status_code, answer.json(), shaped=shaped)
        try:
            answer = made[path](factory.get(f"/{path}/?{query}")).render()
            original = told(answer.status_code, json.loads(answer.content), shaped=shaped)
        except OverflowError:
            original = ours if ours.get("status") == 400 else {"status": 500}
        print(json.dumps({"original": original, "ours": ours}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
