"""Put tags on many rows at once, take them off, or set them exactly."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from .models import TaskTag
from .tenancy import scoped, tenant_of
from .wording import say

ACTIONS = ("add", "remove")


def set_tags(rows: QuerySet[Any], request: Request, *, word: str) -> dict[str, Any]:
    """Change the tags of those of *rows* that *request* names, and tell how many there were.

    *word* is `task` or `assignment`: an older body names the rows as `task_ids` and the tags as `tag_ids`.
    """
    body = request.data if isinstance(request.data, dict) else {}
    ids_key = "ids" if "ids" in body else f"{word}_ids"
    tags_key = "tags" if "tags" in body else "tag_ids"
    ids = known_keys(rows, body, key=ids_key, named="ids")
    tags = known_keys(scoped(TaskTag, tenant_of(request)), body, key=tags_key, named="tags")
    action = body.get("action") or "add"
    if action not in ACTIONS:
        raise ValidationError({"action": [say("“%(value)s” is not a valid choice.", value=action)]})
    replace = request.query_params.get("replace", "").lower() in ("true", "1")
    write(rows.model, ids, tags, action="replace" if replace else action)
    return {"ids": ids, "tags": tags, "action": action, "count": len(ids)}


def known_keys(rows: QuerySet[Any], body: dict[str, Any], *, key: str, named: str) -> list[int]:
    """Return the keys that *body* lists, all of which must be those of *rows*."""
    asked = body.get(key)
    name = key if key in body else named
    if asked is None:
        raise ValidationError({name: [say("This field is required.")]})
    if not isinstance(asked, list) or any(type(pk) is not int or abs(pk) >= 2**63 for pk in asked):
        raise ValidationError({name: [say("Expected a list of numbers.")]})
    found = set(rows.filter(pk__in=asked).values_list("pk", flat=True))
    strange = [pk for pk in asked if pk not in found]
    if strange:
        raise ValidationError(
            {name: [say('Invalid pk "%(pk)s" - object does not exist.', pk=pk) for pk in strange]}
        )
    return list(dict.fromkeys(asked))


def write(model: Any, ids: list[int], tags: list[int], *, action: str) -> None:
    """Change the links between the rows of *model* called *ids* and *tags*."""
    link = model.tags.through
    column = f"{model._meta.model_name}_id"
    links = link.objects.filter(**{f"{column}__in": ids})
    if action == "remove":
        links.filter(tasktag_id__in=tags).delete()
        return
    if action == "replace":
        links.exclude(tasktag_id__in=tags).delete()
    wanted = (link(**{column: pk, "tasktag_id": tag}) for pk in ids for tag in tags)
    link.objects.bulk_create(wanted, ignore_conflicts=True)
