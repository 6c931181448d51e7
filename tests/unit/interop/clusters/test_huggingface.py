"""Queries as datasets of Hugging Face, where that is installed."""

from __future__ import annotations

import sys

from typing import Any

import pytest

from synapse import ConfigError, QueryError, Task
from synapse.testing import assert_requests, canned
from synapse.transfer import ProgressStep
from tests.unit.orm.rows import served, task

KEYS = list(range(1, 13))


def tasks() -> Any:
    """A query of twelve tasks."""
    return Task.objects.using(canned({"GET sdk/tasks/": served([task(key) for key in KEYS])}))


class TestWithTheLibrary:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        """The library, or a skip that says so."""
        pytest.importorskip(
            "datasets", reason="datasets is not installed: NO dataset of Hugging Face was made"
        )

    @pytest.mark.parametrize("streaming", [True, False])
    def test_every_row_once(self, streaming: bool) -> None:
        """Each row comes once, whether it is read as it is used or at once."""
        with tasks().session:
            made = tasks().to_huggingface(streaming=streaming, shards=3, columns=["id", "meta"])

            assert [(key, f'{{"n":{key}}}') for key in KEYS] == [
                (row["id"], row["meta"].replace(" ", "")) for row in made
            ]

    @pytest.mark.parametrize("streaming", [True, False])
    def test_bad_rows(self, streaming: bool) -> None:
        """A row that does not fit is left out where that is asked for."""
        rows = [task(1), task(2, meta=[1]), task(3)]
        with canned({"GET sdk/tasks/": served(rows)}) as session:
            made = Task.objects.using(session).to_huggingface(
                streaming=streaming, columns=["id", "meta"], on_bad_row="skip"
            )

            assert [1, 3] == [row["id"] for row in made]

    def test_progress(self) -> None:
        """Reading everything at once tells how far it is."""
        steps: list[ProgressStep] = []
        tasks().to_huggingface(streaming=False, progress=steps.append)

        assert (12, 12) == (steps[-1].done, steps[-1].total)

    def test_progress_of_what_is_not_read(self) -> None:
        """A dataset that is read as it is used has no progress of its own."""
        asked = tasks()
        with assert_requests(0, session=asked.session), pytest.raises(QueryError, match="streaming=False"):
            asked.to_huggingface(progress=True)

    def test_shards_are_those_of_the_query(self) -> None:
        """Workers share the shards that the query was cut into."""
        assert 3 == tasks().to_huggingface(shards=3).num_shards


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that is missing is named before anything is sent."""
    monkeypatch.setitem(sys.modules, "datasets", None)
    asked = tasks()

    with assert_requests(0, session=asked.session), pytest.raises(ConfigError, match="needs datasets"):
        asked.to_huggingface()
