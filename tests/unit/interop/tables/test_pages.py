"""The values of a table: as they came, whatever a page holds."""

from __future__ import annotations

import datetime

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from synapse import DataCollection, DataFile, MappingError, Model, NotFoundError, Project, Session, Task
from synapse.dialects import Reply
from synapse.mapping import json as json_text
from synapse.sandbox import serve
from synapse.testing import canned, page
from tests.unit.interop.tables.made import TASKS, columns_of, row, session_of, tasks
from tests.unit.orm.rows import project, served, unit

CHECKSUM = "0" * 32


def raw(text: str) -> Any:
    """A query whose only page is this text."""
    content = f'{{"count": 1, "next": null, "results": [{text}]}}'.encode("utf-8", "surrogateescape")

    class Served(type(canned({}))):  # type: ignore[misc]
        def send(self, request, *, decode=None):
            return Reply(200, (decode or json_text.loads)(content))

    return Task.objects.using(Served({}))


@pytest.fixture(scope="module")
def demo() -> Iterator[Session]:
    """A backend with rows of every entity."""
    with serve(seed="demo") as sandbox, Session(sandbox.url, api_token=sandbox.api_token) as session:
        yield session


class TestText:
    @pytest.mark.parametrize(
        "text",
        ['{"b":1 , "a" : [1.50, 1e3]}', '{"a": "\\u00e9é"}', '{"n": 12345678901234567890123}', "{ }", "null"],
    )
    def test_is_kept_as_it_came(self, text):
        """JSON is never parsed: blanks, the order of keys, numbers and escapes are as the backend wrote them."""
        found = columns_of(raw(f'{{"id": 1, "meta": {text}}}').to_arrow(columns=["meta"]))

        assert {"meta": [None if text == "null" else text]} == found

    def test_that_is_no_text_is_refused(self):
        """Bytes that are no UTF-8 do not get into a table, although nothing parses the JSON that they are in."""
        with pytest.raises(ValueError, match="utf-8"):
            raw('{"id": 1, "meta": {"a": "\udcff"}}').to_arrow(columns=["meta"])

    def test_is_copied_out_of_its_page(self):
        """A table doesn't keep the pages that it was made of."""
        table = tasks(*[row(key) for key in range(1, 41)], cap=10).to_arrow(columns=["meta"])

        assert [f'{{"n": {key}}}' for key in range(1, 41)] == columns_of(table)["meta"]

    def test_of_other_rows_stays_where_one_is_odd(self):
        """A page with a row of another shape is read row by row, the others as they came."""
        rows = [row(1), row(2, meta=[1]), row(3)]
        found = columns_of(tasks(*rows).to_arrow(columns=["id", "meta"], on_bad_row="skip"))

        assert {"id": [1, 3], "meta": ['{"n": 1}', '{"n": 3}']} == found


class TestValues:
    def test_of_every_kind(self):
        """Numbers, truth values, enumerations, times, lists and files arrive as what they are."""
        file = {"url": "https://h/a.png?X=1", "file_name_original": "a.png", "is_primary": True}
        found = columns_of(tasks(row(1, tags=[3, 4], files={"image_1": file}, workshop=7)).to_arrow())

        assert [(1, 7, False, "stand_by", [3, 4])] == list(
            zip(
                *(found[name] for name in ("id", "workshop", "is_discarded", "status_label", "tags")),
                strict=True,
            )
        )
        told = {"name": "a.png", "url": "https://h/a.png?X=1", "file_type": None, "is_primary": True}
        assert [[("image_1", {**told, "size": None, "checksum": None})]] == found["files"]
        assert [datetime.datetime(2026, 3, 1, 0, 1, tzinfo=datetime.UTC)] == found["created"]

    def test_of_a_field_that_is_one_file(self, demo: Session):
        """The file of a model is its facts, and null where there is none; so in files."""
        found = columns_of(Model.objects.using(demo).to_arrow(columns=["id", "file"]))
        names = [None if each is None else each["name"] for each in found["file"]]

        assert [each.file and each.file.name for each in Model.objects.using(demo).order_by("id")] == names
        assert any(names)

    def test_no_list_and_an_empty_one_are_kept_apart(self):
        """`null` and `[]` are different."""
        found = columns_of(tasks(row(1, tags=None), row(2, tags=[])).to_arrow(columns=["tags"]))

        assert {"tags": [None, []]} == found

    def test_unknown_choices_are_text(self):
        """Enumerations are open: what a newer backend adds is in the table."""
        query = tasks(row(1, status_label="teleported"), row(2))

        assert ["teleported", "stand_by"] == columns_of(query.to_arrow())["status_label"]

    @pytest.mark.parametrize(
        "file",
        [
            {"url": "https://h/b/a.png", "meta": {"file_size": 12}},
            {"url": "https://h/x", "file_name_original": "b\\a.png", "file_size": 12},
            {"url": "https://h/x", "name": "a.png", "size": 12},
        ],
    )
    def test_files_are_told_of_as_elsewhere(self, file):
        """Name and size come from wherever a file has them, as `RemoteFile` reads them."""
        [[(_, found)]] = columns_of(tasks(row(1, files={"image_1": file})).to_arrow())["files"]

        assert ("a.png", 12) == (found["name"], found["size"])

    def test_a_file_has_what_its_row_says_beside_it(self):
        """Size and checksum of a data file stand in its row."""
        rows = [{"id": 1, "checksum": CHECKSUM, "file": "https://h/a.png", "file_size": 9}]
        query = DataFile.objects.using(canned({"GET data_files/": page(*rows)}))

        [found] = columns_of(query.to_arrow())["file"]
        assert ("a.png", 9, CHECKSUM) == (found["name"], found["size"], found["checksum"])

    def test_entities_whose_rows_differ(self):
        """Entities whose rows are brought into one shape first are read by their objects."""
        specification = {"name": "image_1", "file_type": "image"}
        rows = [{"id": 1, "name": "a", "file_specifications": [specification], "meta": {"é": [1]}}]
        query = DataCollection.objects.using(canned({"GET data_collections/": page(*rows)}))

        found = columns_of(query.to_arrow(columns=["name", "meta", "file_specifications"]))
        assert {
            "name": ["a"],
            "meta": ['{"é":[1]}'],
            "file_specifications": ['[{"name":"image_1","file_type":"image"}]'],
        } == found

    def test_half_a_character_does_not_break_a_table(self):
        """Half of a surrogate pair, which UTF-8 can't hold, is a mark in text and an escape in JSON."""
        query = raw('{"id": 1, "status_label": "a\\ud800", "meta": {"b": "\\ud800"}}')
        found = columns_of(query.to_arrow(columns=["status_label", "meta"]))

        assert {"status_label": ["a?"], "meta": ['{"b":"\\ud800"}']} == found

    @pytest.mark.usefixtures("each_parser")
    def test_are_the_same_by_any_parser(self):
        """Without msgspec's pages the values are the same; JSON is written anew."""
        found = columns_of(tasks(row(1, tags=[3]), row(2, meta=None)).to_arrow(columns=["tags", "meta"]))

        assert ([[3], []], [{"n": 1}, None]) == (
            found["tags"],
            [text and json_text.loads(text.encode()) for text in found["meta"]],
        )


class TestAbsent:
    def test_fields_are_null_unless_they_are_named(self):
        """What lists don't carry is null in a table of all fields."""
        query = Task.objects.using(canned({TASKS: page({"id": 1}, {"id": 2})}))

        assert [None, None] == columns_of(query.to_arrow())["meta"]

    def test_fields_that_are_named_are_loaded(self):
        """A column that was asked for is loaded where a row doesn't carry it."""
        replies = {TASKS: page({"id": 1}), "GET tasks/1/": row(1)}
        query = Task.objects.using(canned(replies))

        assert ['{"n":1}'] == columns_of(query.to_arrow(columns=["meta"]))["meta"]


class TestBadRows:
    ROWS = (row(1), row(2, meta=[1]), row(3))

    def test_raise(self):
        """The first row that does not fit ends the call, which names it."""
        with pytest.raises(MappingError, match=r"Task\.meta of row 2") as caught:
            tasks(*self.ROWS).to_arrow()

        assert (2, 2) == (caught.value.row, caught.value.key)

    def test_are_left_out_when_asked(self):
        """`on_bad_row="skip"` leaves it out, and keeps the error."""
        table = tasks(*self.ROWS).to_arrow(on_bad_row="skip")

        assert ([1, 3], [2]) == (columns_of(table)["id"], [error.key for error in table.bad])

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"count_assignments": 2**63}, "beyond 64 bits"),
            ({"tags": [2**63]}, "beyond 64 bits"),
            ({"files": {"a": {"file_name_original": "a.png", "file_size": 2**63}}}, "beyond 64 bits"),
            ({"tags": ["x"]}, "tags"),
            ({"id": None}, "has no key"),
            ({"created": "yesterday"}, "ISO 8601"),
            ({"is_discarded": 1}, "true or false"),
        ],
    )
    def test_of_every_kind_are_found(self, change, said):
        """Numbers that don't fit, lists of other things, missing keys, times that are none."""
        query = Task.objects.using(canned({TASKS: page(row(1), {**row(2), **change}, row(3))}))
        table = query.to_arrow(on_bad_row="skip")

        assert [1, 3] == columns_of(table)["id"]
        assert said in str(table.bad[0])


class TestRelated:
    def query(self, *rows: Any, **more: Any) -> Any:
        """Tasks with their projects and units, each served by itself."""
        replies = {f"GET projects/{key}/": project(key) for key in (1, 2)}
        replies |= {f"GET data_units/{key}/": unit(key) for key in range(101, 121)}
        return tasks(*rows, **{**replies, **more})

    def test_are_followed_by_path(self):
        """A path leads to a field of a related object."""
        query = self.query(row(1), row(2, project=2))
        found = columns_of(query.values("id", "project__title", "data_unit__meta").to_arrow())

        told = {"id": [1, 2], "project__title": ["project 1", "project 2"]}
        assert {**told, "data_unit__meta": ['{"unit":101}', '{"unit":102}']} == found

    def test_are_loaded_once_each(self):
        """Several columns of an object, and several rows that lead to it, take one request."""
        query = self.query(row(1), row(2), row(3))
        query.to_arrow(columns=["project__title", "project__category", "project__id"])

        assert ["sdk/tasks/", "projects/1/"] == [request.path for request in query.session.requests]

    def test_are_loaded_for_a_page_at_once(self):
        """More than a few take one request, as they do where a loop touches them."""
        nested = [{**row(key), "data_unit": unit(100 + key)} for key in range(1, 21)]

        def answer(request: Any) -> Any:
            return page(*nested) if "expand" in dict(request.params) else page(*map(row, range(1, 21)))

        query = self.query(**{TASKS: answer})
        found = columns_of(query.to_arrow(columns=["data_unit__meta"]))

        assert (20, 2) == (len(found["data_unit__meta"]), len(query.session.requests))

    def test_that_lead_nowhere_are_null(self):
        """A row without a relation has null."""
        session = session_of(**{"GET projects/": served([project(1, data_collection=None)])})
        found = columns_of(Project.objects.using(session).to_arrow(columns=["data_collection__name"]))

        assert {"data_collection__name": [None]} == found

    def test_whose_object_does_not_fit_are_bad_rows(self):
        """What is wrong with a related object is told of the row that leads there."""
        gone = NotFoundError("Not found.", status_code=404)
        bad = {"GET data_units/102/": unit(102, meta=[1]), "GET data_units/103/": gone}
        query = self.query(row(1), row(2), row(3), **bad)
        table = query.to_arrow(columns=["id", "data_unit__meta"], on_bad_row="skip")

        assert ([1], [2, 3]) == (columns_of(table)["id"], [error.row for error in table.bad])

    def test_of_two_columns_that_do_not_fit_are_one_bad_row(self):
        """An object that is gone is told once, however many of its fields were asked for."""
        gone = NotFoundError("Not found.", status_code=404)
        query = self.query(row(1), row(2), **{"GET data_units/102/": gone})
        columns = ["id", "data_unit__data_collection_id", "data_unit__meta"]
        table = query.to_arrow(columns=columns, on_bad_row="skip")

        assert ([1], [2]) == (columns_of(table)["id"], [error.row for error in table.bad])
