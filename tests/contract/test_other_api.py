"""Another API generation: what it lacks is refused in its name, what it has needs nothing above the dialects."""

from __future__ import annotations

import ast

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import Job, Project, QueryError, Session, Task
from synapse.reading.read import count_rows
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests
from tests.contract.conftest import Api, connected
from tests.contract.factory import Factory
from tests.contract.toy import Toy

FOLDER = Path(__file__).parent


@pytest.fixture
def toy(box: Sandbox, toy_url: str) -> Iterator[Session]:
    """A session that speaks the toy API, current during the test."""
    made = connected(box, "contract", api=Api(Toy(), toy_url), page_size=10)
    with made:
        yield made
    made.close()


UNSUPPORTED: dict[str, Callable[[], Any]] = {
    "no lookup 'created__gte' on API toy, which has: .*project": lambda: list(
        Task.objects.filter(created__gte="2026-01-01")
    ),
    "no order by 'created' on API toy, which has: id": lambda: list(Task.objects.order_by("created")),
    "cannot nest Task.data_unit": lambda: Task.objects.select_related("data_unit"),
    "counts nothing; count.walk=True. reads": lambda: Task.objects.count(),
    "choose the page .* walks the chain": lambda: Task.objects.params(after="x"),
    "names no pages by number": lambda: Task.objects.iterator(plan="pages"),
    "Job is not spoken of": lambda: Job.objects.first(),
    "the toy API has no annotate": lambda: Task.ref(1).annotate({}),
}


@pytest.mark.parametrize("words", UNSUPPORTED)
def test_what_it_lacks_is_refused(toy: Session, words: str) -> None:
    """The refusal names the API, and what that has instead."""
    with assert_requests(0), pytest.raises(QueryError, match=words):
        UNSUPPORTED[words]()


def test_what_it_lacks_is_explained(toy: Session) -> None:
    """`explain()` refuses what reading would."""
    with pytest.raises(QueryError, match="no lookup 'created__gte' on API toy"):
        Task.objects.filter(created__gte="2026-01-01").explain()


def test_a_query_meets_it_with_its_session(toy: Session, box: Sandbox) -> None:
    """A query that another API answers is refused where it is sent through this one."""
    other = connected(box, "contract")
    query = Task.objects.using(other).filter(created__gte="2026-01-01")
    assert query.exists() in (True, False)
    other.close()

    with assert_requests(0), pytest.raises(QueryError, match="on API toy"):
        list(query.using(toy))


def test_requests_are_its_own(toy: Session) -> None:
    """Paths, names and the order are those of the toy."""
    shown = Task.objects.filter(project=3, is_discarded=False).explain()

    assert (
        f"toy: GET {toy.host}/toy/work?board=3&dropped=false&sort=key&limit=10"
        == str(shown).partition("\n")[0]
    )
    assert "cursor" == shown.plan


@pytest.mark.parametrize("cut", [slice(0, 5), slice(5, 25), slice(28, 40), slice(29, None), slice(50, 60)])
def test_slices_are_walked_to(toy: Session, make: Factory, cut: slice) -> None:
    """A chain of pages begins at its first row; the rows before a slice are passed by."""
    rows = make.tasks(32)
    query = Task.objects.filter(project=rows[0].project_id)

    assert [row.pk for row in rows[cut]] == [task.id for task in query[cut]]


@pytest.mark.parametrize("order", ["id", "-id"])
@pytest.mark.parametrize("read", [1, 10, 17])
def test_a_checkpoint_leads_on(toy: Session, make: Factory, order: str, read: int) -> None:
    """Whichever page it lies on, no row is left out or given twice."""
    rows = make.tasks(25)
    query = Task.objects.filter(project=rows[0].project_id).order_by(order)
    reading = query.iterator()
    first = [next(reading).id for _ in range(read)]

    rest = [task.id for task in query.resume(reading.checkpoint)]

    assert sorted((row.pk for row in rows), reverse=order == "-id") == first + rest


def test_lists_of_keys_are_split(toy: Session, make: Factory) -> None:
    """Its addresses are short: the parts of a long list follow each other."""
    rows = make.tasks(40)
    keys = [row.pk + 10**15 for row in rows] + [row.pk for row in rows]

    assert [row.pk for row in rows] == [task.id for task in Task.objects.filter(id__in=keys)]


def test_a_refusal_is_read_out_of_its_envelope(toy: Session) -> None:
    """Words, fields and the code are found where this API has them."""
    with pytest.raises(Project.DoesNotExist) as caught:
        Project.objects.get(10**9)

    assert 404 == caught.value.status_code
    assert {"code", "message", "fields"} == caught.value.response["error"].keys()


def test_rows_are_counted_by_walking_where_that_is_asked_for(toy: Session, make: Factory) -> None:
    """Bulk writes compare numbers of rows; without counts, the keys are read to their end."""
    query = Task.objects.filter(project=make.tasks(25)[0].project_id).query

    assert 25 == count_rows(Toy().table(Task._schema, Task._catalog), query, session=toy, walk=True)


def test_enough_of_the_contract_goes_through_every_api() -> None:
    """Sixty cases of reading and writing are marked as such."""
    marks = [
        decorator
        for path in FOLDER.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if "every_api" in ast.dump(decorator)
    ]

    assert 60 <= len(marks)
