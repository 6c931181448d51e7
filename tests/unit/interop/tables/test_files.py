"""Queries as files: whole under their names or not there, and in parts that a killed run goes on with."""

from __future__ import annotations

import csv
import os
import resource
import signal
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq

from synapse import ConfigError, MappingError, QueryError, ServerError, Session, Task, TransferError
from synapse.errors import WrongHostError
from synapse.interop.tables import files
from synapse.testing import canned
from tests.unit.interop.tables.made import TASKS, row, tasks
from tests.unit.orm.rows import served

FILE = {"url": "https://h/a.png?X-Amz-Signature=1", "file_name_original": "a.png", "checksum": "c"}
ROWS = [row(key) for key in range(1, 26)]
ELSEWHERE = Session("https://elsewhere.invalid", api_token="x")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write parts of at most ten rows, by fives."""
    monkeypatch.setattr(files, "BATCH", 5)
    monkeypatch.setattr(files, "PART", 10)


def keys_in(path: Path) -> list[int]:
    """The keys in a file, or in all files of a folder."""
    return pq.read_table(path).column("id").to_pylist()


def shown(folder: Path) -> list[str]:
    """The names of files, hidden ones too."""
    return sorted(each.name for each in folder.iterdir())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def dying(rows: list[Any], *, after: int) -> Any:
    """A query of rows whose backend fails behind a key."""
    answer = served(rows, cap=5)

    def reply(request: Any) -> Any:
        is_behind = int(dict(request.params).get("id__gt", 0)) >= after
        return ServerError("down", status_code=500) if is_behind else answer(request)

    return Task.objects.using(canned({TASKS: reply}, workers=1))


class TestParquet:
    def test_holds_the_rows_and_what_they_are_of(self, tmp_path):
        """Values, types and metadata are those of the table."""
        query = tasks(*ROWS)
        report = query.to_parquet(tmp_path / "tasks.parquet", columns=["id", "meta", "created"])

        assert pa.table(query.values("id", "meta", "created")).equals(pq.read_table(report.path))
        assert b"Task" == pq.read_schema(report.path).metadata[b"synapse.entity"]

    def test_reports(self, tmp_path):
        """The report says what was written, and prints it."""
        report = tasks(*ROWS).to_parquet(tmp_path / "tasks.parquet")

        assert (25, 25, (report.path,), 25) == (report.rows, report.total, report.files, len(report))
        assert f"{report.path}: 25 rows written" == str(report)
        assert report.path.stat().st_size == report.size

    def test_has_no_signed_addresses(self, tmp_path):
        """Files are there without their addresses, which expire, and are signed."""
        report = tasks(row(1, files={"image_1": FILE})).to_parquet(tmp_path / "tasks.parquet")

        assert b"Signature" not in report.path.read_bytes()
        [[(name, file)]] = pq.read_table(report.path).column("files").to_pylist()
        assert ("image_1", "a.png", "c") == (name, file["name"], file["checksum"])
        assert "url" not in file

    def test_is_written_without_rows(self, tmp_path):
        """An empty result has its columns."""
        report = tasks().none().to_parquet(tmp_path / "tasks.parquet")

        assert (0, "id") == (report.rows, pq.read_schema(report.path).names[0])

    @pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
    def test_is_not_there_after_a_failure(self, verb, tmp_path):
        """A read that breaks leaves what was there before, and nothing beside it."""
        (tmp_path / "tasks").write_text("before")
        with pytest.raises(ServerError):
            getattr(dying(ROWS, after=10), verb)(tmp_path / "tasks")

        assert (["tasks"], "before") == (shown(tmp_path), (tmp_path / "tasks").read_text())

    @pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
    def test_is_not_there_after_a_full_disk(self, verb, tmp_path):
        """What cannot be written whole is not there, and the error says why."""
        rows = [row(key, meta={"noise": os.urandom(500).hex()}) for key in range(1, 200)]
        with full_disk(4096), pytest.raises(TransferError, match="File too large"):
            getattr(tasks(*rows), verb)(tmp_path / "tasks")

        assert [] == shown(tmp_path)

    @pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
    @pytest.mark.parametrize("path", [None, 5, "", "no/such/folder/tasks", "\0", "."])
    def test_refuses_paths_that_are_none(self, verb, path, tmp_path, monkeypatch):
        """A path that cannot be written is refused before a request."""
        monkeypatch.chdir(tmp_path)
        query = tasks(*ROWS)
        with pytest.raises(TransferError):
            getattr(query, verb)(path)

        assert ([], []) == (query.session.requests, shown(tmp_path))

    @pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
    def test_bad_rows(self, verb, tmp_path):
        """They end the call, or are left out and reported."""
        rows = [row(1), row(2, meta=[1]), row(3)]
        with pytest.raises(MappingError, match="row 2"):
            getattr(tasks(*rows), verb)(tmp_path / "tasks")
        report = getattr(tasks(*rows), verb)(tmp_path / "tasks", on_bad_row="skip")

        assert (2, 1, [2]) == (report.rows, report.bad_count, [error.key for error in report.bad])
        assert "1 that do not fit left out" in str(report)

    @pytest.mark.parametrize("resume", [False, True])
    def test_closed_session(self, resume, tmp_path):
        """Nothing appears, not even an empty folder."""
        query = tasks(*ROWS)
        query.session.close()
        with pytest.raises(ConfigError, match="closed"):
            query.to_parquet(tmp_path / "tasks", resume=resume)

        assert [] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
    def test_progress(self, verb, tmp_path):
        """Progress counts rows, of how many there are."""
        steps: list[Any] = []
        getattr(tasks(*ROWS), verb)(tmp_path / "tasks", progress=steps.append)

        assert [(0, None), (25, 25)] == [(step.done, step.total) for step in steps]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes as files")
@pytest.mark.parametrize("verb", ["to_parquet", "to_csv"])
def test_devices_are_not_replaced(verb: str, tmp_path: Path) -> None:
    """What is no regular file, such as a pipe, stays what it is, and nothing is sent."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    query = tasks(*ROWS)
    with pytest.raises(TransferError, match="no regular file"):
        getattr(query, verb)(pipe)

    assert (True, []) == (pipe.is_fifo(), query.session.requests)


@pytest.mark.usefixtures("small")
class TestParts:
    def test_are_numbered(self, tmp_path):
        """A folder of parts is a table for whoever reads folders."""
        report = tasks(*ROWS).to_parquet(tmp_path / "tasks", resume=True)

        assert [f"part-{number:05}.parquet" for number in range(3)] == [each.name for each in report.files]
        assert [10, 10, 5] == [len(keys_in(each)) for each in report.files]
        assert list(range(1, 26)) == keys_in(tmp_path / "tasks")

    def test_are_gone_on_with(self, tmp_path):
        """A run that broke goes on behind its last part; rows that came since are read by another run."""
        folder = tmp_path / "tasks"
        with pytest.raises(ServerError):
            dying(ROWS, after=15).to_parquet(folder, resume=True)
        partial = keys_in(folder)
        query = tasks(*ROWS)
        report = query.to_parquet(folder, resume=True)
        more = tasks(*ROWS, row(26)).to_parquet(folder, resume=True)

        assert list(range(1, 11)) == partial
        assert ((15, 25), (1, 26)) == ((report.rows, report.total), (more.rows, more.total))
        assert list(range(1, 27)) == keys_in(folder)

    def test_leave_whole_parts_on_a_full_disk(self, tmp_path):
        """A part that cannot be written whole is not there, and the next run goes on behind those that are."""
        folder = tmp_path / "tasks"
        rows = [row(key, meta={"noise": os.urandom(4000).hex()} if key > 10 else {}) for key in range(1, 16)]
        with full_disk(6000), pytest.raises(TransferError, match="File too large"):
            tasks(*rows).to_parquet(folder, resume=True, columns=["id", "meta"])

        assert ([".synapse-lock", "part-00000.parquet"], ["tasks"]) == (shown(folder), shown(tmp_path))
        assert 5 == tasks(*rows).to_parquet(folder, resume=True, columns=["id", "meta"]).rows

    def test_are_one_without_rows(self, tmp_path):
        """An empty result is one empty part, behind which later rows come."""
        tasks().to_parquet(tmp_path / "tasks", resume=True)
        report = tasks(row(1)).to_parquet(tmp_path / "tasks", resume=True)

        assert ([1], 2) == (keys_in(tmp_path / "tasks"), len(report.files))

    def test_have_every_row_once_after_a_kill(self, tmp_path):
        """A process that is killed while it writes leaves whole parts; the next one does the rest."""
        folder = tmp_path / "tasks"
        ended = subprocess.run([sys.executable, __file__, str(folder)], cwd=Path(__file__).parents[4])
        left = [each for each in shown(tmp_path) if each.endswith(".partial")]
        report = tasks(*ROWS).to_parquet(folder, resume=True)

        assert (-signal.SIGKILL, 1, 15) == (ended.returncode, len(left), report.rows)
        assert (list(range(1, 26)), ["tasks"]) == (keys_in(folder), shown(tmp_path))

    @pytest.mark.parametrize(
        ("error", "said", "query"),
        [
            (QueryError, "another query", tasks(*ROWS).filter(project=1)),
            (WrongHostError, "another backend", Task.objects.using(ELSEWHERE)),
            (QueryError, "its columns are", tasks(*ROWS).only("id")),
        ],
    )
    def test_of_another_query_are_refused(self, error, said, query, tmp_path):
        """Parts of other filters, another backend or other columns are not gone on with."""
        tasks(*ROWS).to_parquet(tmp_path / "tasks", resume=True)
        with pytest.raises(error, match=said):
            query.to_parquet(tmp_path / "tasks", resume=True)

        assert not getattr(query.session, "requests", None)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("notes.txt", b"mine"), ("part-00000.parquet", b"no"), ("part-00007.parquet", b"")],
    )
    def test_are_not_mixed_with_other_files(self, name, content, tmp_path):
        """A folder that holds anything else is left alone."""
        (tmp_path / name).write_bytes(content)
        query = tasks(*ROWS)
        with pytest.raises(QueryError):
            query.to_parquet(tmp_path, resume=True)

        assert ([], content) == (query.session.requests, (tmp_path / name).read_bytes())

    def test_are_written_by_one_run_at_a_time(self, tmp_path):
        """A second run at the same folder is refused."""
        batches = tasks(*ROWS).to_parquet

        def meanwhile(step: Any) -> None:
            if step.done:
                with pytest.raises(QueryError, match="another run"):
                    tasks(*ROWS).to_parquet(tmp_path, resume=True)
                told.append(step.done)

        told: list[int] = []
        batches(tmp_path, resume=True, progress=meanwhile)
        assert 25 == told[-1]

    def test_refuses_a_file(self, tmp_path):
        """A folder is written to, not a file that is there."""
        (tmp_path / "tasks").write_text("")
        with pytest.raises(TransferError, match="is a file"):
            tasks(*ROWS).to_parquet(tmp_path / "tasks", resume=True)


class TestCSV:
    def test_holds_values_as_text(self, tmp_path):
        """Truth values, times, JSON, lists and files as text; what is missing is empty."""
        rows = [row(1, tags=[1, 2], files={"image_1": FILE}, meta={"a": 'é"'}), row(2, meta=None, tags=None)]
        query = tasks(*rows).only("id", "is_discarded", "meta", "tags", "workshop", "created", "files")
        text = query.to_csv(tmp_path / "tasks.csv").path.read_text(encoding="utf-8")
        found = list(csv.reader(text.splitlines()))

        file = '{"image_1":{"name":"a.png","file_type":null,"is_primary":false,"size":null,"checksum":"c"}}'
        when = "2026-03-01T09:01:00+09:00"
        assert ["1", "false", '{"a": "é\\""}', "[1,2]", "", when, file] == [
            each.replace("\\u00e9", "é") for each in found[1]
        ]
        assert ["2", "false", "", "", "", "2026-03-01T09:02:00+09:00", "{}"] == found[2]

    @pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb", '"', "a,b", "=1+1", "\r", "글"])
    def test_gives_texts_back(self, text, tmp_path):
        """Whatever a cell has, readers find it as it was, and no further row."""
        query = tasks(row(1, status_label=text), row(2))
        query.to_csv(tmp_path / "tasks.csv", columns=["id", "status_label"])
        with (tmp_path / "tasks.csv").open(newline="", encoding="utf-8") as file:
            read = list(csv.reader(file))

        assert [["id", "status_label"], ["1", text], ["2", "stand_by"]] == read


def main() -> None:
    """Write parts, and be killed while the second one is written."""
    files.BATCH, files.PART = 5, 10

    def kill(step: Any) -> None:
        if step.done > 10:
            os.kill(os.getpid(), signal.SIGKILL)

    tasks(*ROWS).to_parquet(sys.argv[1], resume=True, progress=kill)


if __name__ == "__main__":
    main()
