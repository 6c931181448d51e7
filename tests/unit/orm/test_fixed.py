"""Lists that the backend sets: what they hold, and that they are not edited."""

from __future__ import annotations

import copy
import json
import pickle

from collections.abc import Callable
from typing import Any

import pytest

from synapse import Assignment, Job, MappingError, PluginRelease, Task, TaskTag
from synapse.testing import assert_requests, canned
from tests.unit.orm.test_entity import abroad

TASK = {"id": 7, "project": 1, "data_unit": 2, "tags": [3, 4], "files": {"image_1": {"url": "u"}}}


def task() -> Task:
    """A task with two tags."""
    return Task.objects.using(canned({"GET tasks/7/": TASK})).get(7)


def grown(row: Any, name: str, more: Any) -> None:
    """Grow a value in place, as `row.name += more` does."""
    if name == "files":
        row.files |= more
    else:
        row.tags += more


EDITS: dict[str, Callable[[Task], object]] = {
    "append": lambda row: row.tags.append(9),
    "extend": lambda row: row.tags.extend([9]),
    "insert": lambda row: row.tags.insert(0, 9),
    "remove": lambda row: row.tags.remove(3),
    "pop": lambda row: row.tags.pop(),
    "clear": lambda row: row.tags.clear(),
    "sort": lambda row: row.tags.sort(key=lambda key: -key),
    "reverse": lambda row: row.tags.reverse(),
    "an item": lambda row: row.tags.__setitem__(0, 9),
    "del": lambda row: row.tags.__delitem__(slice(None)),
    "+=": lambda row: grown(row, "tags", [9]),
    "+= of a list that is held": lambda row: row.tags.__iadd__([9]),
    "*=": lambda row: row.tags.__imul__(2),
    "assignment": lambda row: setattr(row, "tags", [9]),
    "|= of files": lambda row: grown(row, "files", {"image_2": None}),
}


class TestEdits:
    @pytest.mark.parametrize("edit", EDITS)
    def test_are_refused_and_edit_nothing(self, edit: str):
        """Whatever is refused leaves the row as it was, so that it can be saved."""
        row = task()
        with (
            assert_requests(0, session=row._state.session),
            pytest.raises(AttributeError, match="set by the backend"),
        ):
            EDITS[edit](row)

        assert ([3, 4], ["image_1"]) == (row.tags, list(row.files))
        assert row.save() is row

    @pytest.mark.parametrize(
        ("made", "said"),
        [
            (task, r"Task.tags is set by the backend, \.set_tags\(\) changes it"),
            (
                lambda: Assignment.objects.using(canned({"GET assignments/5/": {"id": 5, "tags": [3]}})).get(
                    5
                ),
                r"Assignment.tags is .*, Assignment.objects.filter\(...\).set_tags\(\) changes it",
            ),
        ],
    )
    def test_name_the_verb(self, made: Callable[[], Any], said: str):
        """The refusal is ours, and says what changes the list."""
        with pytest.raises(MappingError, match=said):
            made().tags.append(9)

    def test_of_a_copy_are_free(self):
        """`list()`, `+`, slices and `to_dict()` give lists of one's own."""
        row = task()
        for mine in (list(row.tags), row.tags + [5], row.tags[:1], row.tags.copy(), row.to_dict()["tags"]):
            mine.append(9)

        assert [3, 4] == row.tags

    def test_of_other_lists_are_refused_as_well(self):
        """The actions of a release are the backend's."""
        row = {"id": 8, "plugin": 3, "version": "1", "available_actions": ["train"]}
        release = PluginRelease.objects.using(canned({"GET plugin_releases/8/": row})).get(8)

        with pytest.raises(MappingError, match="PluginRelease.available_actions is set by the backend"):
            release.available_actions.append("go")

    def test_of_a_record_are_taken_back(self):
        """`job.params |= {...}` is refused, and shows what was loaded."""
        job = Job.objects.using(canned({"GET jobs/a/": {"id": "a", "params": {"x": 1}}})).get("a")
        with pytest.raises(AttributeError, match="set by the backend"):
            job.params |= {"y": 2}

        assert {"x": 1} == job.params


class TestMembers:
    def test_are_objects_and_keys(self):
        """A tag is in the tags of a task where its key is."""
        row = task()

        assert TaskTag.ref(3) in row.tags
        assert 3 in row.tags
        assert (1, 1) == (row.tags.index(TaskTag.ref(4)), row.tags.count(TaskTag.ref(4)))

    @pytest.mark.parametrize(
        "other",
        [
            lambda: TaskTag.ref(5),
            lambda: Task.ref(3),
            lambda: TaskTag(project_id=1, name="n"),
            lambda: abroad(TaskTag, 3),
            lambda: "3",
            lambda: None,
        ],
        ids=["another key", "another entity", "unsaved", "another backend", "text", "None"],
    )
    def test_are_no_others(self, other: Callable[[], object]):
        """Neither what has another key, nor what is something else."""
        assert other() not in task().tags


class TestTravelling:
    @pytest.mark.parametrize(
        "send",
        [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))],
        ids=["copy", "deep", "pickle"],
    )
    def test_keeps_what_it_is(self, send: Callable[[Task], Task]):
        """A copy's list holds the same, and refuses edits as well."""
        sent = send(task())

        assert ([3, 4], True) == (sent.tags, TaskTag.ref(3) in sent.tags)
        with pytest.raises(MappingError, match="set by the backend"):
            sent.tags.append(9)

    def test_as_json_is_a_list(self):
        """It is written as any list."""
        assert "[3, 4]" == json.dumps(task().tags)
