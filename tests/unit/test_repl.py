"""What is completed and shown in a real IPython and at Python's own prompt."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
START: Final = """
import json
from synapse import *
from synapse.testing import canned, page
rows = [{"id": number, "project": 1, "data_unit": 9, "status_label": "completed", "tags": [4]} for number in (1, 2)]
account = {"id": 5, "name": "Anna Kim", "email": "anna@x.test", "tenant": "acme"}
session = canned({"GET sdk/tasks/": page(*rows), "GET users/me/": account})
_ = session.__enter__()
own, project, query = Session("http://localhost:1", api_token="x"), Project.ref(1), Task.objects.filter(project=1)
"""
OFFERED: Final = {
    "Task.objects.filter(sta": ["status_label=", "status_label__in=", "status_review="],
    "Task.objects.filter(project=1).exclude(is_": ["is_discarded="],
    "Task.objects.filter(project=1).order_by('id').upd": ["update", "update_or_create"],
    "Task.objects.get(5).data": ["data", "data_unit", "data_unit_id"],
    "Project.objects.create(ti": ["title="],
    "project.tasks.dow": ["download"],
    "project.tasks.filter(stat": ["status_label=", "status_label__in=", "status_review="],
    "own.tasks.filter(stat": ["status_label=", "status_label__in=", "status_review="],
    "query.filter(stat": ["status_label=", "status_label__in=", "status_review="],
    "Task(pro": ["project=", "project_id="],
    "Task.objects.values('id').ord": ["order_by"],
    "Task.desc": ["describe"],
    "connect(api_": ["api_token="],
}
IPYTHON: Final = """
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell(START)
with provisionalcompleter():
    found = {typed: [each.text for each in shell.Completer.completions(typed, len(typed))] for typed in TYPED}
found["requests"] = len(shell.user_ns["session"].requests)
print(json.dumps(found))
"""
PLAIN: Final = """
import inspect, pydoc, rlcompleter
def offered(typed):
    completer, found = rlcompleter.Completer(globals()), []
    while (each := completer.complete(typed, len(found))) is not None:
        found.append(each)
    return found

told = {typed: offered(typed) for typed in ("Task.objects.fil", "Task.des", "query.order", "own.ta", "session.me")}
told["requests before"] = len(session.requests)
told["filter"] = list(inspect.signature(Task.objects.filter).parameters)
told["order_by"] = str(inspect.signature(Task.objects.order_by).parameters["names"])
told["help"] = pydoc.plain(pydoc.render_doc(Task))
told["before"] = str(query)
_ = list(query)
told["after"] = str(query)
told["requests after"] = len(session.requests)
told["session"] = repr(session)
told["me"] = session.me.email
told["known"] = repr(session)
told["dir"] = dir(own)
print(json.dumps(told))
"""


def ran(command: list[str], source: str) -> dict[str, Any]:
    """Give what a program printed, given its source on standard input."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    done = subprocess.run(
        [sys.executable, *command], input=source, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return dict(json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{"))))


@pytest.fixture(scope="module")
def ipython() -> dict[str, list[str]]:
    """What IPython offers, by what was typed."""
    return ran(["-"], f"import json\nSTART = {START!r}\nTYPED = {[*OFFERED]!r}\n{IPYTHON}")


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """What was said at the prompt of `python -i`."""
    return ran(
        ["-i", "-q"], f"{START}\n{PLAIN}".replace("\n\n", "\n").replace("return found\n", "return found\n\n")
    )


@pytest.mark.parametrize("typed", OFFERED)
def test_ipython_offers(ipython: dict[str, list[str]], typed: str) -> None:
    """Lookups, values and verbs, also after a chain."""
    assert set(OFFERED[typed]) <= set(ipython[typed])


def test_completion_in_ipython_sends_nothing(ipython: dict[str, Any]) -> None:
    """Whatever it had to look at."""
    assert 0 == ipython["requests"]


class TestPython:
    def test_offers_names(self, plain: dict[str, Any]) -> None:
        """Its own completer knows the names after a dot; nothing is asked for that."""
        assert ["Task.objects.filter("] == plain["Task.objects.fil"]
        assert ["Task.describe()"] == plain["Task.des"]
        assert ["own.task_tags", "own.tasks"] == plain["own.ta"]
        assert (["session.me"], 0) == (plain["session.me"], plain["requests before"])

    def test_knows_the_names_that_a_method_takes(self, plain: dict[str, Any]) -> None:
        """By its signature, which `help()` prints."""
        assert {"project", "status_label", "created__gte"} <= set(plain["filter"])
        assert "*names: Literal['id', '-id', 'created', '-created', 'pk', '-pk']" == plain["order_by"]

    def test_help_shows_types_and_lookups(self, plain: dict[str, Any]) -> None:
        """Of an entity."""
        lines = [" ".join(line.strip(" |").split()) for line in plain["help"].splitlines()]

        assert {"created datetime None set by the backend", "has_assignment True or False"} <= {
            line.replace("| ", "") for line in lines
        }

    def test_shows_the_rows_of_a_query_once_they_are_fetched(self, plain: dict[str, Any]) -> None:
        """Before, what it would ask; never a request."""
        assert "<QuerySet Task project=1 (not fetched)>" == plain["before"]
        assert "<QuerySet Task project=1 (2 fetched)>\n<Task 1 project_id=1" in plain["after"]
        assert 1 == plain["requests after"]

    def test_shows_the_user_of_a_session_once_known(self, plain: dict[str, Any]) -> None:
        """`session.me` asks."""
        assert ("anna@x.test", False, True) == (
            plain["me"],
            "user" in plain["session"],
            "user='Anna Kim'" in plain["known"],
        )

    def test_hides_what_is_internal(self, plain: dict[str, Any]) -> None:
        """`dir()` has what people call."""
        assert {"tasks", "me", "trace", "close"} <= set(plain["dir"])
        assert set() == {"masked", "note_made", "bare", "check_link"} & set(plain["dir"])
