"""Pages, order, search: what every list understands."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World


def ids(wire: Wire, query: str, *, path: str = "sdk/tasks/") -> list[Any]:
    """Return the keys of one page."""
    return [row["id"] for row in wire.get(f"{path}?{query}")["results"]]


class TestPageNumbers:
    def test_envelope_walks_by_absolute_links(self, wire: Wire, world: World) -> None:
        """`next` and `previous` are whole addresses that keep the rest of the query."""
        first = wire.get(f"tasks/?project={world.project}&page_size=5&url_host=internal")

        second = wire.get(first["next"])

        assert (12, 5, None) == (first["count"], len(first["results"]), first["previous"])
        assert first["next"].startswith(f"{wire.url}/tasks/?")
        assert {"page_size=5", "url_host=internal", "page=2"} <= set(first["next"].split("?")[1].split("&"))
        assert 5 == len(second["results"])
        assert second["previous"].startswith(wire.url)

    def test_default_size_is_20(self, wire: Wire, world: World) -> None:
        """Without `page_size` a page has 20 rows."""
        for number in range(21):
            wire.create("task_tags/", {"project": world.project, "name": f"filler {number}"})

        assert 20 == len(wire.get("task_tags/")["results"])

    @pytest.mark.parametrize("size", ["0", "-1", "many", ""])
    def test_nonsense_size_is_the_default(self, wire: Wire, size: str) -> None:
        """A page size that is none is passed over."""
        assert 20 >= len(wire.get(f"tasks/?page_size={size}")["results"])

    def test_size_is_clamped(self, wire: Wire) -> None:
        """More than a thousand rows a page are not given, nor is asking for them an error."""
        assert 200 == wire.send("GET", "tasks/?page_size=100000").status_code

    @pytest.mark.parametrize("page", ["0", "abc", "999"])
    def test_page_that_is_not_there_is_404(self, wire: Wire, page: str) -> None:
        """Beyond the last page there is nothing."""
        answer = wire.send("GET", f"tasks/?page={page}")

        assert (404, {"detail": "Invalid page."}) == (answer.status_code, answer.json())

    def test_last_names_the_last_page(self, wire: Wire, world: World) -> None:
        """`page=last` is the last page."""
        assert 2 == len(ids(wire, f"project={world.project}&page_size=5&page=last"))


class TestCursor:
    @pytest.mark.parametrize("ordering", ["-id", "id", "-created", ""])
    def test_reads_every_row_once(self, wire: Wire, world: World, ordering: str) -> None:
        """Following `next` gives all rows in the order asked, without a count."""
        address = f"sdk/tasks/?pagination=cursor&project={world.project}&page_size=5&ordering={ordering}"
        seen: list[int] = []
        while address:
            page = wire.get(address)
            seen += [row["id"] for row in page["results"]]
            address = page["next"]

        assert (world.tasks if ordering == "id" else world.tasks[::-1]) == seen
        assert {"next", "previous", "results"} == page.keys()

    @pytest.mark.parametrize("ordering", ["", "-created"])
    @pytest.mark.parametrize("cursor", ["rubbish", b64encode(b"p=abc").decode()])
    def test_bad_cursor_is_404(self, wire: Wire, world: World, cursor: str, ordering: str) -> None:
        """A cursor that was not ours is refused, also one that looks like ours."""
        asked = {"pagination": "cursor", "cursor": cursor, "ordering": ordering}
        answer = wire.send("GET", "sdk/tasks/", params=asked)

        assert (404, {"detail": "Invalid cursor"}) == (answer.status_code, answer.json())

    def test_is_ignored_elsewhere(self, wire: Wire) -> None:
        """Lists outside `sdk/` know no cursors and count as always."""
        assert "count" in wire.get("tasks/?pagination=cursor")

    def test_page_forces_numbers(self, wire: Wire) -> None:
        """`pagination=page` asks for the default."""
        assert "count" in wire.get("sdk/tasks/?pagination=page")


class TestOrdering:
    @pytest.mark.parametrize("ordering", ["id", "created", "nonsense,id", "created,-id", " id , created"])
    def test_sorts_upwards_by_known_names(self, wire: Wire, world: World, ordering: str) -> None:
        """Known names are sorted by, in the order given; unknown ones are passed over."""
        rows = wire.get(f"sdk/tasks/?project={world.project}&ordering={ordering}")["results"]

        key = "created" if ordering.startswith("created") else "id"
        assert sorted(row[key] for row in rows) == [row[key] for row in rows]

    def test_sorts_downwards_with_a_minus(self, wire: Wire, world: World) -> None:
        """A minus turns the order round."""
        assert world.tasks[::-1] == ids(wire, f"project={world.project}&ordering=-id")

    def test_unknown_name_leaves_the_default(self, wire: Wire, world: World) -> None:
        """A name that cannot be sorted by changes nothing, and is no error."""
        assert world.tasks[::-1] == ids(wire, f"project={world.project}&ordering=title")

    def test_newest_come_first_by_default(self, wire: Wire, world: World) -> None:
        """Tasks are listed from the newest."""
        assert world.tasks[::-1] == ids(wire, f"project={world.project}")

    def test_events_sort_by_pgh_id(self, wire: Wire) -> None:
        """Events have a key of their own to sort by."""
        rows = wire.get("sdk/ground_truth_events/?ordering=-pgh_id")["results"]

        assert sorted((row["pgh_id"] for row in rows), reverse=True) == [row["pgh_id"] for row in rows]


class TestSearch:
    def test_looks_at_the_name(self, wire: Wire) -> None:
        """A word is looked for in names, in any case."""
        made = wire.create("storages/", {"name": "Zebra Bucket", "provider": "gcp"})

        assert [made["id"]] == ids(wire, "search=zEBRA", path="storages/")

    def test_finds_tasks_by_the_path_of_a_file(self, wire: Wire, world: World) -> None:
        """Tasks have no name of their own; their pictures do."""
        assert [world.tasks[7]] == ids(wire, f"project={world.project}&search=picture_7")

    def test_is_quick_whatever_is_asked(self, wire: Wire) -> None:
        """A word that is repeated counts once; a search for more words than anyone means is refused."""
        found = wire.get(f"projects/?search={'road+' * 300}", timeout=10)
        answer = wire.send("GET", "projects/?search=" + "+".join(f"w{number}" for number in range(501)))

        assert wire.get("projects/?search=road")["count"] == found["count"]
        assert (400, ["search"]) == (answer.status_code, list(answer.json()))

    def test_refuses_words_that_are_longer_than_a_database_takes(self, wire: Wire) -> None:
        """As an error of its key, where SQLite would stop."""
        answer = wire.send("GET", f"projects/?search={'x' * 60_000}")

        assert {"search": ["Expected at most 8000 characters."]} == answer.json()

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("lake, blue", 1),
            ("'blue lake'", 1),
            ("'lake blue'", 0),
            ('"', 2),
            (",", 2),
            ("lake " + " ".join("blue lake"[: number + 1] for number in range(9)) + " b l u e", 1),
        ],
    )
    def test_splits_at_blanks_and_commas_outside_of_quotes(self, wire: Wire, search: str, found: int) -> None:
        """Every term must be there, however many; a lone comma or quote is no term."""
        category = {"category": "audio"}
        for title in {"big blue lake", "red lake"} - {
            row["title"] for row in wire.get("projects/", params=category)["results"]
        }:
            wire.create("projects/", {"title": title, **category})

        assert found == wire.get("projects/", params={"search": search, **category})["count"]

    def test_looks_for_all_words_in_one_file(self, wire: Wire, world: World) -> None:
        """Two files of one unit, each with one of the words, are no match."""
        assert [] == ids(wire, f"project={world.project}&search=picture_7+picture_8")

    def test_refuses_null_characters(self, wire: Wire) -> None:
        """No text of a database holds one."""
        assert 400 == wire.send("GET", "projects/?search=a%00").status_code

    def test_has_no_effect_on_data_units(self, wire: Wire, world: World) -> None:
        """Units cannot be searched."""
        found = wire.get(f"data_units/?data_collection={world.collection}&search=picture_7")

        assert 12 == found["count"]


class TestLightLists:
    def test_data_has_only_the_payload(self, wire: Wire, world: World) -> None:
        """Rows of `data/` are the key and the payload."""
        row = wire.get(f"sdk/tasks/data/?ids={world.tasks[0]}")["results"][0]

        assert {"id": world.tasks[0], "data": None} == row

    def test_files_is_an_array_that_names_specifications(self, wire: Wire, world: World) -> None:
        """Rows of `files/` list the files with the specification each is for."""
        row = wire.get(f"sdk/tasks/files/?ids={world.tasks[3]}")["results"][0]

        (file,) = row["files"]
        assert ("image_1", "picture_3.png", True) == (
            file["specification"],
            file["file_name_original"],
            file["is_primary"],
        )

    @pytest.mark.parametrize("kind", ["assignments", "ground_truth_events"])
    @pytest.mark.parametrize("part", ["data", "files"])
    def test_exist_for_all_sdk_lists(self, wire: Wire, kind: str, part: str) -> None:
        """The other two lists have them as well."""
        assert all(part in row for row in wire.get(f"sdk/{kind}/{part}/")["results"])
