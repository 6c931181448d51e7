"""Every public method that sends has its asynchronous twin, and every twin is made by the one bridge."""

from __future__ import annotations

import inspect
import subprocess
import sys

from typing import Any, Final

from synapse.asynchronous.twins import twin_for, twin_of
from synapse.downloads import RemoteFile
from synapse.orm import Manager, QuerySet, Values
from synapse.orm.record import Record
from synapse.orm.selection import Selection
from synapse.orm.values import Tabular
from tests.faults.every import CALLS
from tests.faults.every_client import CLIENT
from tests.meta.shown import ENTITIES

BRIDGE: Final = ("synapse.asynchronous.twins", "_awaited.<locals>.twin", "_streaming.<locals>.twin")
# They narrow, look at what is here, or work on this machine only.
SILENT: Final = frozenset(
    {
        "all",
        "filter",
        "exclude",
        "params",
        "none",
        "order_by",
        "reverse",
        "distinct",
        "only",
        "defer",
        "select_related",
        "prefetch_related",
        "fetch_mode",
        "via",
        "using",
        "values",
        "values_list",
        "explain",
        "of",
        "ref",
        "to_dict",
        "describe",
        "path",
        "from_row",
        "from_wire",
        "to_wire",
        "beside",
        "unsent",
        "like",
        "with_url",
        "matches",
    }
)
# In the table by the name of a class that only users have, or of what is no method.
OTHERS: Final = frozenset(("upload_file", "Storage.configuration", "Job.logs", "Session.me"))


def every_class() -> list[type[Any]]:
    """Entities, managers, queries, values, files."""
    managers: list[type[Any]] = [Manager]
    for each in managers:
        managers += [sub for sub in each.__subclasses__() if sub.__module__.startswith("synapse")]
    return [Record, *ENTITIES, Selection, QuerySet, Tabular, Values, RemoteFile, *managers]


def methods() -> dict[str, Any]:
    """Every public method, by the class that has it."""
    return {
        f"{cls.__name__}.{name}": getattr(cls, name)
        for cls in every_class()
        for name in dir(cls)
        if not name.startswith("_") and inspect.isroutine(getattr(cls, name))
    }


METHODS: Final = methods()
SENDING: Final = [name for name, each in METHODS.items() if twin_for(each)]


def test_what_sends_has_a_twin() -> None:
    """A method is known to send nothing, or has a twin, or is one."""
    found = {name for name, each in METHODS.items() if not twin_for(each) and not twin_of(each)}

    assert set() == {name for name in found if name.partition(".")[2] not in SILENT}


def test_what_is_silent_has_none() -> None:
    """The list above names no method that has a twin."""
    assert set() == {name for name in SENDING if name.partition(".")[2] in SILENT}


def test_every_call_that_talks_to_a_backend_has_a_twin() -> None:
    """Those of the table that credentials and hostile answers are walked over, where they are methods."""
    called = {name.partition("(")[0] for name in CALLS.keys() - {call.name for call in CLIENT}}
    named = {name for name in called if " " not in name and "__" not in name}
    verbs = {name.rpartition(".")[2] for name in named - OTHERS} - SILENT - {"objects"}

    assert set() == verbs - {name.partition(".")[2] for name in SENDING}


def test_is_made_by_the_bridge() -> None:
    """Each twin is there, takes what the method takes, and runs that one by its name."""
    classes = {each.__name__: each for each in every_class()}
    for name in SENDING:
        owner, _, verb = name.partition(".")
        twin = getattr(classes[owner], str(twin_for(METHODS[name])))
        code = twin.__code__

        assert verb == twin_of(twin), name
        assert code.co_filename.endswith("asynchronous/twins.py") and code.co_qualname in BRIDGE, name
        assert inspect.signature(METHODS[name]) == inspect.signature(twin), name
        assert twin.__doc__.startswith(f"The asynchronous twin of `{verb}()`"), name


def test_twins_are_called_as_in_django() -> None:
    """By an `a` before the name; `await` is a keyword, so that the twin of `wait()` is `adone()`."""
    named = {name.partition(".")[2]: str(twin_for(METHODS[name])) for name in SENDING}

    assert {"wait": "adone"} == {name: twin for name, twin in named.items() if twin != f"a{name}"}


def test_asyncio_is_imported_when_it_is_used() -> None:
    """It takes longer to import than all that a script needs first."""
    code = "import sys; from synapse import Task, connect; Task.objects.filter(id=1); print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout
