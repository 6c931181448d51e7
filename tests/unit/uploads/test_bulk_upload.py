"""Items that become data units."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from synapse.dialects import Request
from synapse.errors import (
    AuthenticationError,
    BulkError,
    MappingError,
    PermissionDeniedError,
    ServerError,
    TransferError,
    ValidationError,
)
from synapse.session import Session
from synapse.transfer import ProgressStep
from synapse.uploads import Report, Target, upload_items
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_layout import open_folder
from tests.servers import reply
from tests.unit.transfer.conftest import MakeFile, Scripted

MAIN = {"is_required": True, "is_primary": True, "function_type": "main"}
SPECS = [
    {"name": "image_1", "file_type": "image", **MAIN},
    {"name": "data_meta_1", "file_type": "data", "function_type": "meta"},
]
SPECIFIED = (Spec("image_1", "image", required=True), Spec("data_meta_1", "data"))
ONE = (Spec("a"),)
NOTHING_KNOWN = reply(200, {"existing_checksums": []})

Upload = Callable[..., Report]


@pytest.fixture
def collection(session: Session) -> int:
    """Make a collection whose units have a picture and perhaps its data."""
    body = {"name": "Signs", "category": "image", "file_specifications": SPECS}
    return int(session.send(Request("POST", "data_collections/", json=body)).data["id"])


@pytest.fixture
def upload(session: Session, collection: int) -> Upload:
    """Upload items into the collection of the test."""

    def run(items: Any, **options: Any) -> Report:
        return upload_items(session, items, **targeted(session, options, collection=collection))

    return run


def targeted(session: Session, options: dict[str, Any], *, collection: int = 1) -> dict[str, Any]:
    """Sort what a test gives into what makes a target, and the options beside it."""

    def create(bodies: list[dict[str, Any]]) -> Any:
        return session.send(Request("POST", "data_units/", json=bodies)).data

    values = {"specs": SPECIFIED, "create_units": create, **options}
    names = {field.name for field in attrs.fields(Target)}
    target = Target(collection=collection, **{name: values[name] for name in values if name in names})
    return {"target": target, **{name: values[name] for name in values if name not in names}}


def units(session: Session, collection: int) -> list[dict[str, Any]]:
    """List the units of a collection as the backend has them."""
    params = (("data_collection", str(collection)), ("page_size", "100"), ("ordering", "id"))
    rows: list[dict[str, Any]] = session.send(Request("GET", "data_units/", params=params)).data["results"]
    return rows


def statuses(report: Report) -> list[str]:
    """Return the status of each item."""
    return [outcome.status for outcome in report]


class TestItems:
    def test_become_units_in_their_order(
        self, session: Session, collection: int, upload: Upload, make_file: MakeFile
    ) -> None:
        """Bare paths go under the one file that is required; each outcome has its unit."""
        paths = [make_file(f"{number}.png") for number in range(5)]
        report = upload(paths, batch_size=2, workers=3)

        assert (paths, 5, 5000) == (
            [outcome.item for outcome in report],
            len(report.created),
            report.bytes_sent,
        )
        names = [row["files"]["image_1"]["file_name_original"] for row in units(session, collection)]
        assert ([path.name for path in paths], names) == (names, [path.name for path in paths])

    def test_may_have_meta_groups_and_several_files(
        self, session: Session, collection: int, upload: Upload, make_file: MakeFile
    ) -> None:
        """A full item says which file is what, and what is known of it."""
        files = {"image_1": make_file("a.png"), "data_meta_1": str(make_file("a.json"))}
        upload([{"files": files, "meta": {"frame": 1}, "groups": ["day1"]}])
        (unit,) = units(session, collection)

        assert ({"frame": 1}, set(files)) == (unit["meta"], set(unit["files"]))
        assert unit["group"] is not None

    def test_share_one_progress(self, upload: Upload, make_file: MakeFile) -> None:
        """The total counts every file of every item that can be sent."""
        steps = list[ProgressStep]()
        files = {"image_1": make_file("a.png"), "data_meta_1": make_file("a.json")}
        upload([{"files": files}, make_file("b.png"), "missing.png", 7], progress=steps.append)

        assert ProgressStep(3000, 3000, "uploading") == steps[-1]

    def test_of_an_iterator_let_the_total_grow(self, upload: Upload, make_file: MakeFile) -> None:
        """What is not known before counts as it is taken."""
        steps = list[ProgressStep]()
        upload((make_file(f"{number}.png") for number in range(3)), progress=steps.append, batch_size=1)

        assert (None, ProgressStep(3000, 3000, "uploading")) == (steps[0].total, steps[-1])

    def test_of_a_folder_are_counted_first(self, upload: Upload, make_file: MakeFile) -> None:
        """The sizes of a folder's items make the total; what is there already counts as done."""
        steps, root = list[ProgressStep](), make_file("a.png").parent
        make_file("b.png")
        (root / "README").write_text("x")
        folder = open_folder(root, specs=SPECIFIED)
        upload(folder)
        report = upload(folder, progress=steps.append)

        assert (2000, ProgressStep(2000, 2000, "uploading"), 0) == (
            steps[0].total,
            steps[-1],
            report.bytes_sent,
        )

    def test_are_taken_as_they_are_needed(self, upload: Upload, make_file: MakeFile) -> None:
        """Of a long iterable, no more is taken than what the workers and the batches hold."""
        taken: list[int] = []
        ahead: list[int] = []

        def items() -> Iterator[Path]:
            for number in range(60):
                taken.append(number)
                yield make_file(f"{number}.png", size=10)

        def create(bodies: Sequence[Any]) -> list[dict[str, int]]:
            ahead.append(len(taken))
            return [{"id": 1} for _ in bodies]

        upload(items(), workers=2, batch_size=5, create_units=create)

        assert ahead[0] < 40

    def test_need_not_be_any(self, upload: Upload) -> None:
        """Nothing to upload is fine."""
        assert ([], 0) == (list(upload([])), upload(iter(())).bytes_sent)


class TestBadItems:
    @pytest.mark.parametrize(
        ("item", "words"),
        [
            (None, "an item is a path or"),
            ({"file": {}}, r"no 'file' \(did you mean 'files'\?\)"),
            ({"files": None}, "a file is given by its path"),
            ({"files": {}}, "needs image_1"),
            ({"files": {"image_2": "a.png"}}, "no file specification 'image_2' .did you mean 'image_1'"),
            ({"files": {"data_meta_1": "a.json"}}, "needs image_1 as well"),
            ({"files": {"image_1": "a.png"}, "meta": [1]}, "meta is a JSON object"),
            ({"files": {"image_1": "a.png"}, "meta": {"n": float("nan")}}, r"meta\['n'\]: JSON"),
            ({"files": {"image_1": "a.png"}, "meta": {"at": Path("x")}}, "JSON cannot hold"),
            ({"files": {"image_1": "a.png"}, "groups": "day1"}, "groups are a list of names"),
            ({"files": {"image_1": "missing.png"}}, "no file"),
        ],
    )
    def test_fail_before_anything_is_sent(
        self, session: Session, upload: Upload, item: object, words: str
    ) -> None:
        """An item that cannot be is told what is wrong with it."""
        with session.trace() as calls:
            (outcome,) = upload([item])

        assert ("failed", 0) == (outcome.status, len(calls))
        with pytest.raises((TransferError, MappingError), match=words):
            raise outcome.error or AssertionError

    def test_stop_no_other(self, upload: Upload, make_file: MakeFile) -> None:
        """Between two good items, a bad one fails alone."""
        report = upload([make_file("a.png"), "missing.png", {"files": make_file("b.png")}])

        assert ["created", "failed", "created"] == statuses(report)

    def test_of_which_one_file_is_missing_send_none(self, upload: Upload, make_file: MakeFile) -> None:
        """All files of an item are looked at before the first is sent."""
        report = upload([{"files": {"image_1": make_file("a.png"), "data_meta_1": "missing.json"}}])

        assert (["failed"], 0) == (statuses(report), report.bytes_sent)

    def test_need_names_where_several_files_are_required(self, upload: Upload, make_file: MakeFile) -> None:
        """A bare path is refused where it could be either file."""
        report = upload(
            [make_file("a.png")], specs=[Spec("image_1", required=True), Spec("data_meta_1", required=True)]
        )

        assert "give {name: path}, not one path" in str(report[0].error)

    def test_need_a_checksum(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A data file without a checksum can be in no unit."""
        _, session = scripted(NOTHING_KNOWN, reply(201, {"id": 1}))
        report = upload_items(session, [make_file()], presigned=False, **targeted(session, {"specs": ONE}))

        assert "gave no checksum" in str(report[0].error)

    @pytest.mark.parametrize(
        "options",
        [{"batch_size": 0}, {"batch_size": True}, {"on_error": "ignore"}, {"chunked": 1}, {"presigned": 1}],
    )
    def test_settings_are_refused(self, upload: Upload, options: dict[str, Any]) -> None:
        """A setting that cannot be is refused at once."""
        with pytest.raises(TransferError, match=next(iter(options))):
            upload([], **options)

    @pytest.mark.parametrize("items", ["a.png", Path("photos"), b"x", {"files": {}}, None, 7])
    def test_iterables_are_wanted(self, upload: Upload, items: object) -> None:
        """One path or one item in place of many is refused with an example."""
        with pytest.raises(TransferError, match="takes a folder or an iterable of items"):
            upload(items)


class TestRefusedBatch:
    def test_is_sifted(self, session: Session, collection: int, upload: Upload, make_file: MakeFile) -> None:
        """A unit that the backend refuses fails alone, with its own words."""
        bad = {"files": {"image_1": make_file("b.png")}, "groups": [""]}
        report = upload([make_file("a.png"), bad, make_file("c.png")])

        assert ["created", "failed", "created"] == statuses(report)
        assert 2 == len(units(session, collection))
        assert isinstance(report[1].error, ValidationError)

    @pytest.mark.parametrize("said", [[{}, {"files": ["No."]}, {}, {}], {"1": {"files": ["No."]}}])
    def test_names_its_rows(self, upload: Upload, make_file: MakeFile, said: Any) -> None:
        """Where the answer says which rows are bad, the others are sent once more, together."""
        batches: list[int] = []
        errors = {"1.files": ["No."]}

        def create(bodies: Sequence[Any]) -> list[dict[str, int]]:
            batches.append(len(bodies))
            if len(bodies) == 4:
                raise ValidationError("1.files: No.", status_code=400, response=said, errors=errors)
            return [{"id": number} for number in range(len(bodies))]

        report = upload([make_file(f"{number}.png") for number in range(4)], create_units=create)

        assert ([4, 3], ["created", "failed", "created", "created"]) == (batches, statuses(report))
        assert "this row was refused: files: No." == str(report[1].error)

    def test_is_halved_where_nothing_is_named(self, upload: Upload, make_file: MakeFile) -> None:
        """Where the answer names no row, the bad one is looked for."""

        def create(bodies: Sequence[Any]) -> list[dict[str, int]]:
            if any(body["files"]["image_1"]["path"].endswith("3.png") for body in bodies):
                raise ValidationError("no", status_code=400, response={"detail": "no"})
            return [{"id": id(body)} for body in bodies]

        report = upload([make_file(f"{number}.png") for number in range(5)], create_units=create)

        assert ["created", "created", "created", "failed", "created"] == statuses(report)

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (ServerError("down", status_code=500), "unknown"),
            (PermissionDeniedError("no", status_code=403), "failed"),
        ],
    )
    def test_of_another_kind_is_of_all_items(
        self, upload: Upload, make_file: MakeFile, error: Exception, status: str
    ) -> None:
        """A lost answer leaves every item of the batch unknown, and so does a 500; a refusal is a failure."""

        def create(bodies: Sequence[Any]) -> list[Any]:
            raise error

        report = upload([make_file("a.png"), make_file("b.png")], create_units=create)

        assert ([status, status], error) == (statuses(report), report[0].error)

    def test_with_rows_missing_is_unknown(self, upload: Upload, make_file: MakeFile) -> None:
        """An answer with other than one row for each unit says nothing of any."""
        report = upload([make_file("a.png"), make_file("b.png")], create_units=lambda bodies: [{"id": 1}])

        assert ["unknown", "unknown"] == statuses(report)


class TestReused:
    def test_is_told_by_the_highest_key_before(
        self, session: Session, collection: int, upload: Upload, make_file: MakeFile
    ) -> None:
        """A unit of the same files that was there before the run is reused."""
        old, new = make_file("a.png"), make_file("b.png")
        upload([old])
        highest = units(session, collection)[-1]["id"]

        assert ["reused", "created"] == statuses(upload([old, new], newest_unit=lambda: highest))

    def test_is_told_within_a_run(self, upload: Upload, make_file: MakeFile) -> None:
        """The second item of the same files gets the unit of the first."""
        path = make_file("a.png")
        first, second = upload([path, path])

        assert ("created", "reused") == (first.status, second.status)
        assert first.unit == second.unit

    def test_is_not_asked_for_where_every_file_is_new(self, upload: Upload, make_file: MakeFile) -> None:
        """A unit with a file that the backend did not have is new, whatever the collection's highest key is."""
        asked: list[int] = []

        upload([make_file("a.png")], newest_unit=lambda: asked.append(1) or 0)

        assert [] == asked

    def test_is_assumed_where_the_highest_key_is_not_to_be_had(
        self, upload: Upload, make_file: MakeFile
    ) -> None:
        """A unit of files that were all there counts as reused if nothing else is known; others do not."""

        def newest() -> int:
            raise ServerError("down", status_code=500)

        old, new = make_file("a.png"), make_file("b.png")
        upload([old])

        assert ["reused", "created"] == statuses(upload([old, new], newest_unit=newest))


class TestOnErrorRaise:
    def test_ends_at_the_first_failure(
        self, session: Session, collection: int, upload: Upload, make_file: MakeFile
    ) -> None:
        """All items before the bad one are done, none after it."""
        items = [make_file("a.png"), make_file("b.png"), "missing.png", make_file("c.png")]
        with pytest.raises(
            BulkError, match=r"1 of 3 items failed and 1 were not tried, the first: there is no file"
        ) as caught:
            upload(items, on_error="raise")

        assert (2, [items[2]]) == (len(caught.value.succeeded), [item for item, _ in caught.value.failed])
        assert (2, items[3:]) == (len(units(session, collection)), caught.value.untried)

    def test_loses_no_item_of_an_iterator(self, upload: Upload, make_file: MakeFile) -> None:
        """What was taken of an iterator is told of, and the rest is still in it."""
        items = [make_file("a.png"), "missing.png", *(make_file(f"{n}.png") for n in range(20))]
        given = iter(items)
        with pytest.raises(BulkError) as caught:
            upload(given, on_error="raise", workers=2, batch_size=2)

        assert items == [*items[:2], *caught.value.untried, *given]
        assert 0 < len(caught.value.untried) < 20

    def test_raises_nothing_if_all_is_well(self, upload: Upload, make_file: MakeFile) -> None:
        """A run without errors returns its report."""
        assert ["created"] == statuses(upload([make_file("a.png")], on_error="raise"))

    def test_ends_at_a_refused_batch(self, upload: Upload, make_file: MakeFile) -> None:
        """No batch is begun after one that failed."""
        begun: list[int] = []

        def create(bodies: Sequence[Any]) -> list[Any]:
            begun.append(len(bodies))
            raise ServerError("down", status_code=500)

        with pytest.raises(BulkError, match="down"):
            paths = (make_file(f"{number}.png", size=9) for number in range(40))
            upload(paths, batch_size=1, create_units=create, on_error="raise")

        assert [1] == begun

    def test_tells_of_it_in_words_that_no_terminal_obeys(self, upload: Upload, make_file: MakeFile) -> None:
        """What the error says of a name is escaped."""

        def create(bodies: Sequence[Any]) -> list[Any]:
            raise ServerError("no \x1b[31m\udce9", status_code=500)

        with pytest.raises(BulkError) as caught:
            upload([make_file("a.png")], create_units=create, on_error="raise")

        assert "no \\x1b[31m\\udce9" in str(caught.value)


class TestEndedRuns:
    def test_by_the_items_keep_what_is_done(
        self, session: Session, collection: int, upload: Upload, make_file: MakeFile
    ) -> None:
        """Where the iterable raises, what it gave before gets its units, and the error tells of them."""

        def items() -> Iterator[Path]:
            yield from (make_file(f"{number}.png") for number in range(3))
            raise OSError("the disk is gone")

        with pytest.raises(BulkError, match="broke off with OSError: the disk is gone") as caught:
            upload(items(), batch_size=2)

        assert 3 == len(caught.value.succeeded) == len(units(session, collection))
        assert isinstance(caught.value.__cause__, OSError)

    def test_by_a_refused_token_try_no_more(self, upload: Upload, make_file: MakeFile) -> None:
        """Once the token is refused, what follows is not sent, and is told as untried."""
        paths = [make_file(f"{number}.png", size=9) for number in range(30)]
        begun: list[int] = []

        def create(bodies: Sequence[Any]) -> list[Any]:
            begun.append(len(bodies))
            raise AuthenticationError("expired", status_code=401)

        with pytest.raises(BulkError, match="were not tried") as caught:
            upload(paths, batch_size=1, workers=2, create_units=create)

        failed, untried = caught.value.failed, caught.value.untried
        # A file that was under way may fail, or find the run ended, while one before it is still waiting.
        assert sorted(paths) == sorted([*(item for item, _ in failed), *untried])
        assert (True, [1]) == (len(failed) < 15, begun)

    @pytest.mark.parametrize("on_error", ["collect", "raise"])
    def test_by_a_file_give_the_files_before_their_units(
        self, scripted: Scripted, make_file: MakeFile, on_error: str
    ) -> None:
        """A token that is refused for a file leaves no file that was sent without its unit."""
        paths = [make_file(f"{number}.png") for number in range(4)]
        _, session = scripted(NOTHING_KNOWN, reply(201, {"id": 1, "checksum": "a"}), reply(401))
        options = {"specs": ONE, "create_units": lambda bodies: [{"id": 5} for _ in bodies]}
        settings = targeted(session, {**options, "workers": 1, "on_error": on_error})
        with pytest.raises(BulkError, match="and 2 were not tried") as caught:
            upload_items(session, paths, presigned=False, **settings)

        assert ([5], paths[2:]) == (caught.value.succeeded, caught.value.untried)

    def test_ask_once_for_the_units_of_what_was_sent(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Where the units are refused as well, the files that were sent fail with that, after one request."""
        begun: list[int] = []

        def create(bodies: Sequence[Any]) -> list[Any]:
            begun.append(len(bodies))
            raise AuthenticationError("no units either", status_code=401)

        paths = [make_file(f"{number}.png") for number in range(4)]
        _, session = scripted(
            NOTHING_KNOWN, *[reply(201, {"id": 1, "checksum": each}) for each in "ab"], reply(401)
        )
        options = {"specs": ONE, "create_units": create, "batch_size": 4, "workers": 1, "presigned": False}
        with pytest.raises(BulkError, match="no units either") as caught:
            upload_items(session, paths, **targeted(session, options))

        assert ([2], paths[:3], paths[3:]) == (
            begun,
            [item for item, _ in caught.value.failed],
            caught.value.untried,
        )

    def test_of_which_nobody_is_told_look_at_no_file_before(self, upload: Upload) -> None:
        """Without a progress, the sizes of all files are not added up first."""
        looked: list[int] = []

        class Late:
            def __fspath__(self) -> str:
                looked.append(1)
                return "missing.png"

        upload([Late()])

        assert 1 == len(looked)


def test_names_are_text(session: Session, upload: Upload, tmp_path: Path) -> None:
    """A file whose name is no UTF-8 fails before it is sent, and the message says what to do."""
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(os.urandom(10))
    with session.trace() as calls:
        (outcome,) = upload([path])

    assert (0, "failed") == (len(calls), outcome.status)
    assert "is no UTF-8" in str(outcome.error) and "rename the file" in str(outcome.error)


def test_absolute_paths_stay_at_home(upload: Upload, make_file: MakeFile) -> None:
    """They would tell of this machine, not of the data."""
    paths: list[str] = []

    def create(bodies: Sequence[Any]) -> list[dict[str, int]]:
        paths.extend(body["files"]["image_1"]["path"] for body in bodies)
        return [{"id": 1}]

    upload([make_file("a.png")], create_units=create)

    assert ["a.png"] == paths
