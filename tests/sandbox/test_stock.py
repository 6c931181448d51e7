"""The sandbox beside the original libraries: filters, search, orders, pages and fields, over one database."""

from __future__ import annotations

import importlib.util
import itertools
import json
import subprocess
import sys

from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote

import pytest

from synapse.query.search import terms
from tests import amounts

BOOLEANS: Final = (
    "true", "True", "TRUE", "1", "false", "FALSE", "0", "", "yes", "no", "on", "off", "t", "2", "null", "None", " true",
    "true,false", "\0",
)  # fmt: skip
NUMBERS: Final = (
    "1", "3", " 2 ", "+1", "-1", "1.5", "1e0", "abc", "", "nan", "inf", "0x1", "1,2", "9999999999999999999", "1e60",
    "\u0663", "\0",
)  # fmt: skip
LISTS: Final = (
    "1,2,3",
    "1, 2",
    "1,",
    ",",
    ",,2",
    "",
    "1,x",
    "1.5,2",
    "9999999999999999999",
    "3",
    "1;2",
    "\0",
)
CHOICES: Final = ("image", "text", "IMAGE", "", " ", "nonsense", "image,text", "\0")
MOMENTS: Final = (
    "2020-01-01", "2020-01-01T10:00:00", "2020-01-01T10:00:00Z", "2020-01-01T10:00:00+09:00", "2999-12-31 23:59",
    "yesterday", "2020-13-01", "1577836800", "", " 2020-01-01 ", "\0",
)  # fmt: skip
TEXTS: Final = ("train", " train ", "TRAIN", "", " ", "x,y", "'", "%", "\0")
SEARCHES: Final = (
    "", " ", ",", ",,", '"', "\'\'", '"blue lake"', "'lake blue'", "lake,blue", "blue lake", "LAKE", "ake", "lake, red",
    '5"', '5" pipe', "it's", "100%", "%", "_", "back\\slash", '"a \\"b"', "äpfel", "ÄPFEL", "ÄPFEL\u3000", "plus+minus",
    "+plus", "-minus", "x\0", 'x" , , "', "png", "stop png", "lake " * 40,
    " ".join(f"w{number}" for number in range(60)),
)  # fmt: skip
ORDERS: Final = (
    "id",
    "-id",
    "--id",
    " -id ",
    "id,-created",
    "nonsense",
    "nonsense,-id",
    "",
    ",",
    "title",
    "ID",
    "pk",
)
PAGES: Final = ("1", "2", "last", "0", "-1", "abc", "", "99", "1.0", " 1")
SIZES: Final = ("1", "0", "-1", "abc", "", "5000", "1.5", "7")
FIELDS: Final = (
    "id", "id,name", "id, name", " id", "id,", ",", "", "*", "~all", "id,*", "nonsense", "ID", "id.name", "~ALL",
    "ground_truth_dataset", "ground_truth_dataset.name", "ground_truth_dataset.", "ground_truth_dataset.*",
    "id&fields=version", "id&fields=version,id",
)  # fmt: skip
EXPANSIONS: Final = (
    "ground_truth_dataset", " ground_truth_dataset", "*", "~all", "", "nonsense", "ground_truth_dataset.x", "*.x",
    "x,*",
)  # fmt: skip

VERSIONS: Final = "ground_truth_dataset_versions"
BY_KIND: Final[dict[str, tuple[list[str], tuple[str, ...]]]] = {
    "booleans": (
        [
            "tasks?is_discarded",
            "tasks?has_data",
            "tasks?assignments__is_discarded",
            "sdk/assignments?is_confirmed",
            "data_units?can_generate_task",
            "plugins?is_active",
            "models?is_released",
            f"{VERSIONS}?is_archived",
        ],
        BOOLEANS,
    ),
    "numbers": (
        [
            "tasks?id",
            "tasks?project",
            "tasks?id__gt",
            "tasks?id__lte",
            "sdk/assignments?project",
            "task_tags?project",
            "projects?data_collection",
            "jobs?agent",
            "serve_applications?job__agent",
            "ground_truths?task",
        ],
        NUMBERS,
    ),
    "lists": (["tasks?id__in", "sdk/tasks?ids", "sdk/tasks?ids_ex", "sdk/assignments?ids"], LISTS),
    "choices": (
        ["projects?category", "task_tags?category", "plugins?category", "tasks?status_label"],
        CHOICES,
    ),
    "moments": (["tasks?created__gte", "tasks?created__lt", "sdk/assignments?label_submitted__gt"], MOMENTS),
    "texts": (["jobs?action", "data_files?checksum", "serve_applications?plugin_code"], TEXTS),
    "searches": (
        ["projects?search", "task_tags?search", "tasks?search", "plugins?search", "models?search"],
        SEARCHES,
    ),
    "orders": (["tasks?ordering", "projects?ordering"], ORDERS),
    "pages": (["tasks?page_size=5&page", "tasks?page"], PAGES),
    "sizes": (["tasks?page_size"], SIZES),
    "fields": (["task_tags?fields", f"{VERSIONS}?fields"], FIELDS),
    "omissions": (["task_tags?omit", f"{VERSIONS}?expand=~all&omit"], FIELDS),
    "expansions": (
        [f"{VERSIONS}?fields=*&expand", f"{VERSIONS}?fields=id,ground_truth_dataset.name&expand"],
        EXPANSIONS,
    ),
}

OTHERS: Final = (
    "tasks?status_label=completed&status_label=stand_by",
    "tasks?status_label=completed&status_label=nonsense",
    "tasks?is_discarded=true&is_discarded=yes",
    "tasks?is_discarded=yes&is_discarded=true",
    "tasks?id=1&id=2",
    "sdk/tasks?ids=1,2,3&ids_ex=2",
    "tasks?no_such_key=1",
    "ground_truths?categories=train&categories=test",
    "ground_truths?categories=",
    "projects?search=lake&search=red",
    "task_tags?fields[]=id&fields[]=name",
    "task_tags?fields=id&fields[]=name",
    "task_tags?fields=id,name&omit=name",
    "task_tags?fields=*&omit=name,meta",
)


def addresses(kind: str) -> list[str]:
    """List what is asked of a kind: every value of every key, or in a quick run of each key and each value some."""
    bases, values = BY_KIND[kind]
    combine = itertools.product if amounts.is_full() else _in_turn
    return [f"{base}={quote(value, safe='&=,.*~')}" for base, value in combine(bases, values)]


def _in_turn(bases: list[str], values: tuple[str, ...]) -> list[tuple[str, str]]:
    # Every value goes with two keys, so that the first run alone asks more than three hundred questions.
    turns = itertools.cycle(bases)
    return list(dict.fromkeys((next(turns), value) for value in values for _ in range(2)))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each address is answered by both."""
    if importlib.util.find_spec("rest_flex_fields") is None:
        pytest.skip("drf-flex-fields is not installed: NOTHING was held against the originals (make setup)")
    asked = [*OTHERS, *(address for kind in BY_KIND for address in addresses(kind))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox.stock", str(tmp_path_factory.mktemp("stock") / "data")],
        input="\n".join(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert 0 == done.returncode, done.stderr[-2_000:]
    return dict(zip(asked, map(json.loads, done.stdout.splitlines()), strict=True))


def differences(answers: dict[str, dict[str, Any]], asked: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Name the addresses that the two answer differently."""
    return {each: answers[each] for each in asked if answers[each]["ours"] != answers[each]["original"]}


@pytest.mark.parametrize("kind", BY_KIND)
def test_answers_as_the_original(answers: dict[str, dict[str, Any]], kind: str) -> None:
    """The same rows in the same order, the same shape, or a refusal of the same names."""
    assert {} == differences(answers, addresses(kind))


def test_answers_what_goes_together_as_the_original(answers: dict[str, dict[str, Any]]) -> None:
    """Keys that are repeated, unknown, or meet others."""
    assert {} == differences(answers, OTHERS)


def test_enough_is_asked(answers: dict[str, dict[str, Any]]) -> None:
    """Some three hundred questions, a good part of which find some rows and not all."""
    counts = [each["ours"].get("count") for each in answers.values()]

    assert len(answers) >= 300
    assert sum(count is None for count in counts) > 40
    assert len({count for count in counts if count}) > 8


SPLIT: Final = """
import json, sys
from django.conf import settings
settings.configure()
from rest_framework.filters import search_smart_split
json.dump([search_smart_split(text) for text in json.load(sys.stdin)], sys.stdout)
"""


def test_the_client_splits_a_search_as_the_original() -> None:
    """What the client takes for a text without a term is one; empty terms, which narrow nothing, don't count."""
    random = Random(7)
    texts = [
        "".join(random.choices("ab\"',\\ \t\n\x1c\u3000é", k=random.randrange(12))) for _ in range(3_000)
    ]
    command = [sys.executable, "-c", SPLIT]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    original = json.loads(done.stdout)

    assert [[term for term in found if term] for found in original] == [terms(text) for text in texts]
