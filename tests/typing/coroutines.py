"""Twins in coroutines; mypy and pyright read this file, nothing runs it.

A line with a mistake ignores the error that both report, so that one which is not reported is an unused comment.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

from synapse import DataCollection, DataFile, Job, Model, Plugin, RemoteFile, Task, TaskTag
from synapse.asynchronous import AsyncRows
from synapse.orm import BulkResult


async def queries_give_what_their_methods_give() -> None:
    """Awaited, and with the names that the declaration has."""
    assert_type(await Task.objects.aget(1), Task)
    assert_type(await Task.objects.aget(project=1, status_label="completed"), Task)
    assert_type(await Task.objects.filter(project=1).afirst(), Task | None)
    assert_type(await Task.objects.acount(), int)
    assert_type(await Task.objects.filter(id=1).aexists(), bool)
    assert_type(await Task.objects.ain_bulk([1, 2]), dict[Any, Task])
    assert_type(await Task.objects.alatest("created"), Task)
    assert_type(await Task.objects.acreate(project_id=1, data_unit_id=2), Task)
    assert_type(
        await TaskTag.objects.aget_or_create({"description": "a"}, project=1, name="a"), tuple[TaskTag, bool]
    )
    assert_type(await Task.objects.filter(id=1).aupdate(is_discarded=True), BulkResult)
    assert_type(await Task.objects.filter(id=1).adelete(), BulkResult)
    assert_type(await Task.objects.abulk_create([Task(project_id=1, data_unit_id=2)]), list[Task])
    assert_type(await Task.objects.values().afirst(), dict[str, Any] | None)


async def loops_give_rows(job: Job) -> None:
    """Of queries, of values, of what streams."""
    assert_type([each async for each in Task.objects.filter(project=1)], list[Task])
    assert_type([each async for each in Task.objects.values_list("id", named=True)], list[tuple[Any, ...]])
    assert_type([each async for each in job.logs.values("event")], list[dict[str, Any]])
    assert_type(Task.objects.aiterator(page_size=10), AsyncRows[Task])
    assert_type([line async for line in job.atail()], list[str])


async def verbs_take_what_their_methods_take(task: Task, plugin: Plugin, job: Job, file: RemoteFile) -> None:
    """Those of entities, of their sets and managers, of files."""
    assert_type(await task.asave(check=True), Task)
    assert_type(await task.arefresh(), Task)
    assert_type(await task.aannotate({}, submit=False), Task)
    assert_type(await task.project.tasks.aset_tags(add=[1]), int)
    assert_type(await plugin.arun(action="train", params={}), Job)
    assert_type(await job.adone(timeout=5), Job)
    assert_type(await file.adownload("out/"), Path)
    assert_type(await DataFile.objects.aupload("a.png"), DataFile)
    assert_type(await Model.objects.acreate(name="a", file="a.zip"), Model)


async def mistakes_are_those_of_the_methods(task: Task, collection: DataCollection) -> None:
    """Names, values and results."""
    await Task.objects.aget(projct=1)  # type: ignore[call-arg]
    await Task.objects.filter(id=1).aupdate(is_discardd=True)  # type: ignore[call-arg]
    await Task.objects.alatest("creatd")  # type: ignore[arg-type]
    await task.aannotat({})  # type: ignore[attr-defined]
    await task.aannotate()  # type: ignore[call-arg]
    await task.aset_tags(added=[1])  # type: ignore[call-arg]
    await collection.aadd(5)  # type: ignore[arg-type]
    await Task.objects.afirst().meta  # type: ignore[attr-defined]
