"""The files of rows as a backend tells them: none, malformed, or at an address that ran out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synapse import Assignment, GroundTruthEvent, MappingError, PermissionDeniedError, QueryError, Task
from synapse.testing import CannedSession, canned, page

OLD, NEW = "https://store.example/a.png?sig=old", "https://store.example/a.png?sig=new"
REFUSED = PermissionDeniedError("Request has expired", status_code=403)


def row(url: object, **values: Any) -> dict[str, Any]:
    """Make a row with one picture."""
    return {
        "id": 7,
        "files": [{"specification": "image_1", "url": url, "file_name_original": "a.png"}],
        **values,
    }


def session(**replies: Any) -> CannedSession:
    """Make a session that knows one task."""
    lists = {"GET sdk/tasks/files/": page(row(OLD)), **replies}
    return canned({**lists, f"GET {OLD}": REFUSED, f"GET {NEW}": b"png"})


def test_an_address_that_ran_out_is_taken_anew_from_its_row(tmp_path: Path) -> None:
    """The row is read once more, and its new address, rewritten like the first one, is fetched."""
    seen: list[str] = []

    def same(url: str) -> str:
        seen.append(url)
        return url

    one = session(**{"GET tasks/7/": row(NEW, project=1, data_unit=1)})
    report = Task.objects.using(one).download(tmp_path, url_conversion={"files": same})

    assert (["downloaded"], b"png") == (
        [each.status for each in report],
        (tmp_path / "image_1/7_a.png").read_bytes(),
    )
    assert [OLD, NEW] == seen


def test_a_file_that_its_row_has_no_more_is_refused_as_it_was(tmp_path: Path) -> None:
    """Where the row has lost its file meanwhile, the first refusal stands."""
    one = session(**{"GET tasks/7/": {**row(NEW), "files": []}})
    report = Task.objects.using(one).download(tmp_path)

    assert [REFUSED.args] == [outcome.error.args for outcome in report.failed if outcome.error]


def test_rows_that_cannot_be_read_one_by_one_are_not_asked_for(tmp_path: Path) -> None:
    """The backend has no single events; the refusal of their files stands."""
    files = {"image_1": {"url": OLD, "file_name_original": "a.png"}}
    event = {"id": 1, "pgh_id": 5, "files": files}
    one = session(**{"GET sdk/ground_truth_events/": page(event)})
    report = GroundTruthEvent.objects.using(one).download(tmp_path)

    assert (1, 2) == (len(report.failed), len(one.requests))


def test_rows_without_a_file_have_no_outcome(tmp_path: Path) -> None:
    """A file that is null, or that is not there, is nothing to download."""
    rows = page({"id": 1, "file": None}, {"id": 2, "file": {"url": NEW, "name": "a.png"}})
    report = Assignment.objects.using(session(**{"GET sdk/assignments/": rows})).download(tmp_path)

    assert [(2, "", "downloaded")] == [(each.key, each.specification, each.status) for each in report]


def test_a_row_whose_files_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    """A malformed file is told of its row, and stops no other."""
    rows = page({**row(NEW), "files": {"image_1": 5}}, {**row(NEW), "id": 8})
    report = Task.objects.using(session(**{"GET sdk/tasks/files/": rows})).download(tmp_path)

    assert ["failed", "downloaded"] == [each.status for each in report]
    assert isinstance(report[0].error, MappingError)
    assert "Task.files of 7" in str(report[0].error)


@pytest.mark.parametrize(("bad", "key"), [({"id": 3, "files": 5}, 3), (None, None), ({"files": {}}, None)])
def test_a_bad_row_fails_alone(tmp_path: Path, bad: object, key: int | None) -> None:
    """What is no row of files has its place in the report, and takes no other along."""
    rows = {"count": 2, "next": None, "results": [bad, row(NEW)]}
    report = Task.objects.using(session(**{"GET sdk/tasks/files/": rows})).download(tmp_path)

    assert [("failed", key), ("downloaded", 7)] == [(each.status, each.key) for each in report]
    assert isinstance(report[0].error, MappingError)


def test_a_name_that_no_file_has_is_told_early(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a hundred rows a line in the log says what is missing; a later row may have it."""
    rows = [{**row(NEW), "id": number} for number in range(1, 103)]
    rows[-1]["files"] = [{**rows[-1]["files"][0], "specification": "image_2"}]
    one = session(**{"GET sdk/tasks/files/": page(*rows)})
    report = Task.objects.using(one).download(tmp_path, specifications=["image_2"])

    assert [(102, "image_2")] == [(each.key, each.specification) for each in report]
    assert [
        "no row has a file 'image_2' (did you mean 'image_1'?), only 'image_1' so far, after 100 rows; reading on"
    ] == caplog.messages


def test_nothing_is_missed_where_no_name_was_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A run of many rows without `specifications` has nothing to say."""
    rows = [{**row(NEW), "id": number} for number in range(1, 103)]
    report = Task.objects.using(session(**{"GET sdk/tasks/files/": page(*rows)})).download(tmp_path)

    assert (102, []) == (len(report.downloaded), caplog.messages)


def test_a_name_of_files_without_names_is_refused(tmp_path: Path) -> None:
    """Where rows have one file each, there is nothing to choose by name."""
    rows = page({"id": 2, "file": {"url": NEW, "name": "a.png"}})
    assignments = Assignment.objects.using(session(**{"GET sdk/assignments/": rows}))
    with pytest.raises(QueryError, match="'image_1': these files have no names"):
        assignments.download(tmp_path, specifications=["image_1"])


def test_a_name_is_not_missed_where_no_row_could_be_read(tmp_path: Path) -> None:
    """Rows that fail say nothing of the names that there are."""
    one = session(**{"GET sdk/tasks/files/": page({**row(NEW), "files": {"image_1": 5}})})
    report = Task.objects.using(one).download(tmp_path, specifications=["image_1"])

    assert ["failed"] == [each.status for each in report]
