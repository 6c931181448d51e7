"""Our flat client and the vendor's, call by call against the same backend: what they return, and what they send."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import pytest

from synapse import BackendClient
from synapse.sandbox import serve
from tests.interop.both_calls import CALLS
from tests.interop.recorder import Asked, Recorder

pytestmark = pytest.mark.full

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
# What differs between two runs of whatever client: moments, keys made at random, and the folder of the run.
CHANGING: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"), "<moment>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])"), "<token>"),
    (re.compile(r"(?:(?<=plugin_releases/)|(?<=models/)|(?<=job_logs/<uuid>/))[0-9a-f]{32}"), "<name>"),
    (re.compile(r"(?<=[?&]sig=)[0-9a-f]{32}"), "<signature>"),
    (re.compile(r"chunked_uploads/\d{4}/\d\d/\d\d/"), "chunked_uploads/<day>/"),
)


Aspect = Literal["value", "requests"]


@attrs.frozen
class Difference:
    """What differs on purpose, and why; *ours* are the requests that ours sends, where that is one way only."""

    why: str
    aspects: tuple[Aspect, ...] = ("requests",)
    ours: tuple[str, ...] | None = None


AHEAD = Difference(
    "rows of all pages come in an order in which no two share a place, and are read ahead, by keys or numbers"
)
WHOLE = Difference("a list that has no other way to go on is read whole, not to its first page only")
AS_IT_IS = Difference(
    "files are fetched where that is asked for; else rows are as the wire has them", ("value", "requests")
)
UNTOUCHED = Difference("what the caller did not give is left to the backend")

# Every difference there is: a call that is not named here returns the same value and sends the same requests.
DIFFERENCES: Final[dict[str, Difference]] = {
    "list_tasks_filtered": Difference(
        "true and false travel in lower case, as the wire documents them",
        ours=("GET /sdk/tasks/?is_discarded=false&ordering=-id&status_label=completed&status_label=in_progress",),
    ),
    "list_models": Difference("as above", ours=("GET /models/?is_released=true",)),
    "list_tasks_unfiltered_by_a_typo": Difference(
        "a parameter that the backend would ignore is refused, and nothing is sent", ("value", "requests"), ours=()
    ),
    "list_tasks_of_ids": Difference(
        "several values mean all of them, not the last one", ("value", "requests"),
        ours=("GET /sdk/tasks/?ids=1,2&ordering=id",),
    ),
    "list_tasks_beyond_all": Difference("a walk that begins behind the end has no rows", ("value", "requests")),
    "list_tasks_all": AHEAD,
    "list_tasks_all_ordered": AHEAD,
    "list_tasks_data_all": AHEAD,
    "list_tasks_files_all": AHEAD,
    "list_assignments_all": AHEAD,
    "list_data_units_all": AHEAD,
    "list_data_units_all_fetched": AHEAD,
    "list_serve_applications_all": AHEAD,
    "list_ground_truth_events_all": AHEAD,
    "list_ground_truth_events_data_all": AHEAD,
    "list_ground_truths_all": AHEAD,
    "list_data_units_all_by_default": AS_IT_IS,
    "get_model_by_default": attrs.evolve(AS_IT_IS, aspects=("value",)),
    "list_agents": attrs.evolve(WHOLE, aspects=("value", "requests")),
    "list_plugin_releases": WHOLE,
    "get_default_storage": WHOLE,
    "get_storage": Difference("the row keeps what the other client's model leaves out", ("value",)),
    "create_chunked_upload": Difference(
        "the finished upload is read, so that one whose last answer was lost looks the same",
        ours=(
            "PUT /chunked_upload/", "PUT /chunked_upload/<uuid>/", "POST /chunked_upload/<uuid>/",
            "GET /chunked_upload/<uuid>/",
        ),
    ),
    "get_chunked_upload": Difference("as above: what is to be read here was uploaded"),
    "upload_data_collection": Difference(
        "what the backend has is asked for first and not sent, and a report is returned", ("value", "requests")
    ),
    "create_plugin_release": UNTOUCHED,
    "create_plugin_release_bare": UNTOUCHED,
    "create_plugin_release_twice": UNTOUCHED,
    "run_plugin": UNTOUCHED,
}  # fmt: skip


@attrs.frozen
class Run:
    """What came of every call of one client, and what arrived of it."""

    outcomes: dict[str, Any]
    requests: dict[str, list[Asked]]

    def value(self, name: str) -> Any:
        """Give what a call returned, or how it was refused."""
        found = self.outcomes[name]
        return found["value"] if "value" in found else {"error": found["error"]}

    def sent(self, name: str) -> list[Asked]:
        """Give what a call sent; requests that only read, and may go side by side, in order of their targets."""
        asked = self.requests[name]
        reads = all(each.method == "GET" for each in asked)
        return sorted(asked, key=lambda each: each.target) if reads else asked


def run(client: Literal["vendor", "ours"], python: Path, data: Path) -> Run:
    """Make all calls with one client, in a process of its own, on a backend of its own with these data."""
    folder = data.with_name(f"{client}-cwd")
    folder.mkdir()
    with serve(data) as box, Recorder(box.url) as recorder:
        given = {"client": client, "url": recorder.url, "token": box.api_token, "tenant": box.tenant}
        done = subprocess.run(
            [python, HERE / "both_calls.py"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=300,
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", ""),
                "TMPDIR": str(folder),
                "HOME": str(folder),
                "PYTHONPATH": str(ROOT),
            },
        )
    lines = [json.loads(_steady(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {line["call"] for line in lines} == set(CALLS), done.stderr
    return Run(
        {line["call"]: line for line in lines},
        {name: _steadied(asked) for name, asked in recorder.calls.items()},
    )


def _steady(text: str) -> str:
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text


def _steadied(requests: list[Asked]) -> list[Asked]:
    return [
        attrs.evolve(each, target=_steady(each.target), body=json.loads(_steady(json.dumps(each.body))))
        for each in requests
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, vendor_python: Path) -> Iterator[tuple[Run, Run]]:
    """Run the calls of ours and of the vendor's client, on two copies of one seeded backend."""
    folder = tmp_path_factory.mktemp("both")
    with serve(folder / "seeded", seed="demo"):
        pass
    for name in ("ours", "vendor"):
        shutil.copytree(folder / "seeded", folder / name)
    yield run("ours", Path(sys.executable), folder / "ours"), run("vendor", vendor_python, folder / "vendor")


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_do_the_same(both: tuple[Run, Run], name: str) -> None:
    """A call returns the same and sends the same, but for the differences that are listed."""
    ours, vendor = both
    listed = DIFFERENCES.get(name, Difference("none", ()))

    assert (ours.value(name) == vendor.value(name)) is ("value" not in listed.aspects), (
        ours.value(name),
        vendor.value(name),
    )
    assert (ours.sent(name) == vendor.sent(name)) is ("requests" not in listed.aspects), (
        ours.sent(name),
        vendor.sent(name),
    )
    assert listed.ours is None or list(listed.ours) == [each.line for each in ours.sent(name)]


@pytest.mark.parametrize("name", [name for name, each in DIFFERENCES.items() if each is AHEAD])
def test_reading_ahead_asks_for_the_same_rows(both: tuple[Run, Run], name: str) -> None:
    """Whatever way our client reads a list, it keeps to the address and the filters that were given."""
    ours, vendor = both
    own = {"page", "page_size", "ordering", "id__gt", "id__lt"}

    def asked(run: Run) -> set[str]:
        return {
            _without(each.target, own) for each in run.sent(name) if not each.target.startswith("/media/")
        }

    assert asked(vendor) == asked(ours)


def _without(target: str, names: set[str]) -> str:
    place, _, query = target.partition("?")
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] not in names]
    return f"{place}?{'&'.join(kept)}"


@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_every_difference_is_of_a_call(name: str) -> None:
    """The list above names nothing that is gone."""
    assert name in CALLS


def test_refusals_are_the_same(both: tuple[Run, Run]) -> None:
    """By their status and the backend's words, and by a class of the same name where that is no built-in one."""
    ours, vendor = both
    refused = [name for name in CALLS if "error" in vendor.outcomes[name]]
    kinds = {name: (ours.outcomes[name].get("kind"), vendor.outcomes[name]["kind"]) for name in refused}

    assert len(refused) > 5
    assert {
        "create_data_file_missing": ("FileMissingError", "FileNotFoundError"),
        "list_tasks_beyond_all": (None, "NotFoundError"),
        "set_tags_misspelt": ("QueryError", "ValidationError"),
        "update_job_misspelt": ("QueryError", "ValidationError"),
    } == {name: pair for name, pair in kinds.items() if pair[0] != pair[1]}


def test_every_method_of_the_other_client_is_called(vendor_python: Path) -> None:
    """What only it has would be a reason to stay with it."""
    code = (
        "import inspect, json; from synapse_sdk.clients.backend import BackendClient as client\n"
        "print(json.dumps([n for n, _ in inspect.getmembers(client, inspect.isfunction) if n[0] != '_']))"
    )
    done = subprocess.run([vendor_python, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    names = json.loads(done.stdout)
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse((HERE / "both_calls.py").read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    # They need a storage that takes files directly, and are tried with one among the contract tests.
    elsewhere = {"upload_files_bulk", "confirm_presigned_upload", "upload_file_to_presigned_url"}

    assert len(names) > 50 and [] == [name for name in names if not hasattr(BackendClient, name)]
    assert elsewhere == set(names) - calls


# Options that come by `**options` here, whose names and types `Options` declares.
BY_OPTION: Final = frozenset({"page_size", "timeout", "kwargs"})


def test_every_signature_takes_what_the_other_client_takes(vendor_python: Path) -> None:
    """The same names, at the same places, by place or by name, and needed or not."""
    code = (
        "import inspect, json; from synapse_sdk.clients.backend import BackendClient as client\n"
        "told = lambda p: (p.name, p.kind.name, p.default is p.empty)\n"
        "show = lambda f: [told(p) for p in inspect.signature(f).parameters.values()]\n"
        "found = inspect.getmembers(client, inspect.isfunction)\n"
        "print(json.dumps({n: show(f)[1:] for n, f in found if n[0] != '_' or n == '__init__'}))"
    )
    done = subprocess.run([vendor_python, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    lacking = [
        (name, parameter)
        for name, parameters in json.loads(done.stdout).items()
        for place, (parameter, kind, needed) in enumerate(parameters)
        if not _takes(name, parameter, kind, place, needed=needed)
    ]

    assert [] == lacking


def _takes(name: str, parameter: str, kind: str, place: int, *, needed: bool) -> bool:
    own = list(inspect.signature(getattr(BackendClient, name)).parameters.values())[1:]
    found = next((each for each in own if each.name == parameter), None)
    if found is None:
        return parameter in BY_OPTION | {"args"} and any(each.kind is each.VAR_KEYWORD for each in own)
    free = needed or found.default is not found.empty or kind.startswith("VAR")
    # By its place, the documented name of the same thing may stand there, and this one be its other name.
    there = found is own[place] or (
        found.kind is found.KEYWORD_ONLY and own[place].kind is own[place].POSITIONAL_OR_KEYWORD
    )
    return free and (kind != "POSITIONAL_OR_KEYWORD" or there)
