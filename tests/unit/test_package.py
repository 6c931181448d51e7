"""The user's door: names that load on first use, and say where they live."""

from __future__ import annotations

import importlib
import inspect
import pickle
import subprocess
import sys

from typing import Any, get_args

import pytest

import synapse

from synapse import errors


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_every_name_is_promised_to_type_checkers_as_well() -> None:
    """What loads lazily is imported where only type checkers look, name by name."""
    source = inspect.getsource(synapse)
    shown = source[source.index("if TYPE_CHECKING:") : source.index("__version__")]
    words = set(shown.replace(",", " ").replace("(", " ").replace(")", " ").split())

    eager = {name for name in synapse.__all__ if name == "errors" or name in vars(errors)}
    assert set() == set(synapse.__all__) - eager - words


def test_a_loaded_name_is_kept() -> None:
    """The second use costs nothing, and gives the same object."""
    first = synapse.Task

    assert first is synapse.Task is vars(synapse)["Task"]


@pytest.mark.parametrize(("name", "nearest"), [("Taks", "Task"), ("task", "Task"), ("conect", "connect")])
def test_a_misspelt_name_is_told_with_the_nearest(name: str, nearest: str) -> None:
    """Python's own error, with a hint."""
    with pytest.raises(AttributeError, match=rf"no attribute '{name}' \(did you mean '{nearest}'\?\)"):
        getattr(synapse, name)


def test_a_misspelt_import_is_an_import_error() -> None:
    """As for any module."""
    assert "ImportError" == run(
        "try:\n    from synapse import Projct\nexcept ImportError as error:\n    print(type(error).__name__)"
    )


def test_star_imports_everything() -> None:
    """`from synapse import *` gives what `__all__` lists."""
    assert "set()" == run(
        "import synapse\nfrom synapse import *\nprint(set(synapse.__all__) - set(globals()))"
    )


def test_importing_loads_no_entity_and_no_http_library() -> None:
    """A script that only handles errors does not wait for the rest."""
    loaded = run(
        "import sys, synapse\n"
        "print(*sorted(n for n in sys.modules if n.startswith(('synapse', 'requests', 'attrs'))))"
    )

    assert "synapse synapse.errors synapse.showing" == loaded


def test_declaring_the_entities_loads_nothing_that_sends() -> None:
    """The HTTP library, a faster JSON parser, databases, locks and uploads are loaded by what needs them."""
    names = "requests urllib3 msgspec orjson sqlite3 filelock platformdirs rich synapse.uploads"
    loaded = run(
        f"import sys\nfrom synapse import Task, connect\nprint({{*{names.split()!r}}} & {{*sys.modules}})"
    )

    assert "set()" == loaded


def test_an_entity_loads_with_its_first_use() -> None:
    """Naming one entity imports no other; what a relation names is found all the same, and goes by `synapse`."""
    found = run(
        "import sys; from synapse import Task, connect; print('synapse.entities.project' in sys.modules);"
        "from synapse.orm.record import entity_at, entity_named;"
        "print(entity_named('Project').__module__, entity_named('JobManager').__name__, entity_at('storages').__name__)"
    )

    assert ["False", "synapse", "Job", "Storage"] == found.split()


def test_a_pickle_is_read_by_a_process_that_has_imported_nothing() -> None:
    """Objects and their errors name `synapse`, where their classes load with their first use."""
    pickled = pickle.dumps(
        [synapse.Project.ref(5), synapse.Job.DoesNotExist("gone"), next(iter(synapse.StatusLabel))]
    )
    found = run(f"import pickle; print(pickle.loads({pickled!r}))")

    assert "[<Project 5>, DoesNotExist('gone'), " in found


def test_submodules_stay_reachable() -> None:
    """Lazy names do not stand in the way of `import synapse.query`."""
    assert "Query" == run("import synapse.query\nprint(synapse.query.Query.__name__)")


@pytest.mark.parametrize("name", ["_private", "__path_of_nothing__", "Query", "entities_"])
def test_what_is_no_promise_is_not_found(name: str) -> None:
    """Only listed names are served."""
    assert not hasattr(synapse, name)


def travels(value: Any) -> bool:
    """Whether pickle finds a class or function again under the name that it gives."""
    return pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize(
    "name", [each for each in synapse.__all__ if inspect.isclass(getattr(synapse, each))]
)
def test_classes_say_a_module_that_has_them(name: str) -> None:
    """Tracebacks and pickles name a place from which the class can be imported."""
    cls = getattr(synapse, name)

    assert cls is getattr(importlib.import_module(cls.__module__), cls.__qualname__)
    assert travels(cls)


def test_unset_is_the_same_everywhere() -> None:
    """The name at the door is the one that the layers use."""
    from synapse.mapping import UNSET, Unset

    assert synapse.UNSET is UNSET
    assert (UNSET,) == get_args(Unset)
