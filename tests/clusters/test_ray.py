"""Datasets of Ray out of queries, and back."""

from __future__ import annotations

import json

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import synapse

from synapse import ConfigError, Project, QueryError, Session, Task, TaskTag, WrongHostError
from synapse.sandbox import Sandbox, serve

ray_data: Any = pytest.importorskip("ray.data")

from synapse.interop.ray import AnnotateSink, CreateSink  # noqa: E402 - it needs Ray
from synapse.interop.shared_journal import Hold  # noqa: E402
from tests.clusters.dying import DyingAnnotateSink, DyingCreateSink  # noqa: E402

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("default")]  # Ray warns of itself


def tags(number: int, *, blocks: int) -> Any:
    """Rows of tags, some of them equal, in so many blocks."""
    project = Project.objects.first()
    assert project is not None
    rows = [{"project_id": project.pk, "name": f"tag {each % (number - 10)}"} for each in range(number)]
    return ray_data.from_items(rows, override_num_blocks=blocks)


def made() -> Counter[str]:
    """Count the tags of the test by name."""
    return Counter(each.name for each in TaskTag.objects.all() if each.name.startswith("tag "))


def wanted(number: int) -> Counter[str]:
    """Count the tags that should be there."""
    return Counter(f"tag {each % (number - 10)}" for each in range(number))


def source_of(dataset: Any) -> Any:
    """Give what a dataset reads from; Ray has renamed where it keeps that."""
    read = dataset._logical_plan.dag
    return read.datasource if hasattr(read, "datasource") else read._datasource


class TestReading:
    def test_every_row_once(self, backend: Sandbox) -> None:
        """The shards give each row once, with the columns that were asked for."""
        rows = Task.objects.all().to_ray(shards=3, columns=["id", "meta"]).take_all()

        expected = [{"id": each.pk, "meta": each.meta} for each in Task.objects.order_by("id")]
        assert expected == sorted(
            ({**row, "meta": json.loads(row["meta"])} for row in rows), key=lambda row: row["id"]
        )

    def test_cut_once(self, backend: Sandbox) -> None:
        """What a dataset needs to know of the backend is asked when it is made, and never again."""
        dataset = Task.objects.all().to_ray(shards=3)

        with synapse.session.current().trace() as calls:
            assert "id" in dataset.schema().names
            assert Task.objects.count() == dataset.count()
        assert 1 == len(calls)

    def test_limit_is_pushed_down(self, backend: Sandbox) -> None:
        """A limit is part of what the workers ask for."""
        dataset = Task.objects.all().to_ray(shards=2, columns=["id"])
        task = source_of(dataset).get_read_tasks(2, per_task_row_limit=3)[0]

        with synapse.session.current().trace() as calls:
            assert [3] == [block.num_rows for block in task()]
        assert ["page_size=3"] == [call.url.split("&")[-1] for call in calls]
        assert 3 == len(dataset.limit(3).take_all())

    def test_columns_are_pushed_down(self, backend: Sandbox) -> None:
        """The columns that are selected later are the only ones that are asked for."""
        dataset = Task.objects.all().to_ray(shards=2).select_columns(["id"])

        assert sum(Task.objects.values_list("id", flat=True)) == dataset.sum("id")

    def test_values_make_datasets(self, backend: Sandbox) -> None:
        """Fields of related objects are columns."""
        dataset = Task.objects.values("id", "project__title").to_ray(shards=2)

        assert {"id", "project__title"} == set(dataset.take(1)[0])

    def test_bad_rows(self, backend: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is to become of them goes to the workers."""
        dataset = Task.objects.all().to_ray(shards=2, columns=["id"], on_bad_row="skip")
        task = source_of(dataset).get_read_tasks(2)[0]

        assert "skip" == task.read_fn.on_bad_row

    def test_shard_of_another_host(self, backend: Sandbox) -> None:
        """Workers refuse a shard of a backend that is not theirs."""
        with serve(seed="demo") as other:
            session = Session(other.url, api_token=other.api_token)
            dataset = Task.objects.using(session).to_ray(shards=2)

            with pytest.raises(WrongHostError, match="SYNAPSE_HOST_ALIASES"):
                dataset.take_all()


class TestAnnotateSink:
    def test_killed_worker(self, backend: Sandbox, tmp_path: Path) -> None:
        """Every task has its annotation, though a worker died in the middle."""
        sink = DyingAnnotateSink(column="found", schema="any", min_rows_per_write=6)
        sink.flag = tmp_path / "killed"
        dataset = Task.objects.all().to_ray(shards=2, columns=["id"])

        dataset.map(lambda row: {**row, "found": json.dumps({"of": row["id"]})}).write_datasink(sink)

        assert [{"of": each.pk} for each in Task.objects.all()] == [each.data for each in Task.objects.all()]
        assert (True, Task.objects.count()) == (sink.flag.exists(), sink.written)

    def test_no_rows(self, backend: Sandbox) -> None:
        """Where a shard has no rows, `map()` leaves no columns, and nothing is annotated."""
        sink = AnnotateSink(column="found")
        dataset = Task.objects.filter(id=999_999).to_ray(shards=2, columns=["id"])

        dataset.map(lambda row: {**row, "found": "{}"}).write_datasink(sink)

        assert 0 == sink.written

    def test_dicts_are_refused(self, backend: Sandbox) -> None:
        """Arrow fills up dicts with keys of other rows, so annotations are JSON."""
        rows = ray_data.from_items([{"id": 1, "found": {"a": 1}}, {"id": 2, "found": {"b": 1}}])

        with pytest.raises(QueryError, match="json.dumps"):
            rows.write_datasink(AnnotateSink(column="found"))


class TestCreateSink:
    def test_killed_worker(self, backend: Sandbox, tmp_path: Path) -> None:
        """Each row is created once, though a worker died over it; so is it when the run is started again."""
        sink = DyingCreateSink("TaskTag", journal=tmp_path / "run", min_rows_per_write=60)
        sink.flag = tmp_path / "killed"

        tags(120, blocks=4).write_datasink(sink)

        assert (wanted(120), True) == (made(), sink.flag.exists())
        again = CreateSink("TaskTag", journal=tmp_path / "run", min_rows_per_write=10)
        tags(120, blocks=5).write_datasink(again)
        assert (wanted(120), 120) == (made(), again.written)

    def test_no_rows(self, backend: Sandbox, tmp_path: Path) -> None:
        """Where `map()` left no rows and no columns, nothing is created."""
        sink = CreateSink("TaskTag", journal=tmp_path / "run")
        dataset = Task.objects.filter(id=999_999).to_ray(shards=2, columns=["id"])

        dataset.map(lambda row: {"name": "tag 1", "project_id": 1}).write_datasink(sink)

        assert (0, Counter()) == (sink.written, made())

    def test_second_run_is_refused(self, backend: Sandbox, tmp_path: Path) -> None:
        """Two runs at one journal would take each other's rows for their own."""
        hold = Hold(tmp_path, "another")
        hold.take()

        with pytest.raises(QueryError, match="another run"):
            tags(20, blocks=1).write_datasink(CreateSink("TaskTag", journal=tmp_path))
        hold.release()
        assert not made()

    def test_bad_cell(self, backend: Sandbox, tmp_path: Path) -> None:
        """A cell that does not fit is told by row and column, and nothing is created."""
        rows = ray_data.from_items([{"project_id": 1, "name": "tag 1"}, {"project_id": 2.5, "name": "tag 2"}])

        with pytest.raises(synapse.MappingError, match="row 2, column 'project_id'"):
            rows.write_datasink(CreateSink("TaskTag", journal=tmp_path / "run"))
        assert not made()

    def test_no_journal(self, backend: Sandbox) -> None:
        """Ray repeats blocks, so that creating needs a journal."""
        with pytest.raises(ConfigError, match="journal"):
            CreateSink("TaskTag")


class TestSecrets:
    def test_no_pickle_holds_a_token(self, backend: Sandbox, tmp_path: Path) -> None:
        """What travels to workers, and may end in logs, has no credentials."""
        from ray import cloudpickle

        dataset = Task.objects.all().to_ray(shards=2)
        tasks = source_of(dataset).get_read_tasks(2)
        travelling = [*tasks, CreateSink("TaskTag", journal=tmp_path), AnnotateSink(column="found")]

        assert [] == [each for each in travelling if backend.api_token.encode() in cloudpickle.dumps(each)]
