"""The verbs over rows, files and jobs, typed against a real backend."""

from __future__ import annotations

import csv
import io
import json
import shlex
import shutil

from pathlib import Path

import pytest

from PIL import Image

from synapse import DataCollection, FileSpecification, Project, Session, Task, TaskTag
from synapse.cli.grammar import managers
from synapse.dialects.homes import FIRST, home_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
SPECIFICATION = FileSpecification(
    name="image_1", file_type="image", is_primary=True, is_required=True, function_type="main"
)


@pytest.fixture(scope="module")
def world(box, tmp_path_factory):
    """A collection of three pictures with a task each in one project, and the folder of the pictures."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("a", "b", "사진 4")):
        Image.new("L", (16, 16), 40 * number).save(folder / f"{name}.png")
    with Session(box.url, api_token=box.api_token) as session:
        collection = DataCollection.objects.create(
            name="Snapshots", category="image", file_specifications=[SPECIFICATION]
        )
        project = Project.objects.create(title="도로 표지판", category="image", data_collection=collection)
        collection.upload(folder, project=project)
        yield project, folder
    session.close()


@pytest.fixture
def typed(ran, box, monkeypatch):
    """Run the command with the settings of the backend in the environment."""
    monkeypatch.setenv("SYNAPSE_HOST", box.url)
    monkeypatch.setenv("SYNAPSE_API_TOKEN", box.api_token)
    return ran


def rows(ended) -> list[dict[str, str]]:
    """Read tab-separated output."""
    assert 0 == ended.code, ended
    return list(csv.DictReader(io.StringIO(ended.out), delimiter="\t", quoting=csv.QUOTE_NONE))


class TestEveryEntity:
    @pytest.mark.parametrize("plural", [name for name in sorted(managers()) if home_of(name) == FIRST])
    def test_is_listed_counted_and_described(self, typed, world, plural):
        """`ls`, `count` and `fields` work for each, and agree."""
        listed = rows(typed("ls", plural))
        counted = typed("count", plural)
        described = json.loads(typed("fields", plural, "--json").out)

        assert f"{len(listed)}\n" == counted.out
        assert described["entity"] == managers()[plural]
        assert {each["name"] for each in described["fields"]} >= set(listed[0] if listed else ())

    @pytest.mark.parametrize(
        "plural", ["experiments", "trains", "reviews", "uploads", "exports", "async_jobs"]
    )
    def test_is_listed_whichever_api_has_it(self, typed, world, plural):
        """What another generation alone has goes by the same verbs."""
        listed = rows(typed("ls", plural))
        described = json.loads(typed("fields", plural, "--json").out)

        assert {each["name"] for each in described["fields"]} >= set(listed[0] if listed else ())

    @pytest.mark.parametrize("spelled", ["tasks", "task", "Task", "TASKS"])
    def test_goes_by_any_of_its_names(self, typed, world, spelled):
        """Plural, singular and class."""
        assert typed("count", "tasks").out == typed("count", spelled).out

    def test_dashes_are_underscores(self, typed, world):
        """`data-units` is `data_units`."""
        assert typed("count", "data_units").out == typed("count", "data-units").out


class TestLs:
    def test_streams_every_row_into_a_pipe(self, typed, world):
        """Tab-separated, all rows, under a line of names."""
        project, _ = world
        found = rows(typed("ls", "tasks", f"project={project.pk}", "--fields", "id,status_label"))

        assert [(str(each.pk), "stand_by") for each in project.tasks] == [
            (r["id"], r["status_label"]) for r in found
        ]

    def test_takes_orders_and_limits(self, typed, world):
        """`--order -id -n 2` gives the last two, and says of how many."""
        project, _ = world
        keys = [each.pk for each in project.tasks]
        ended = typed("ls", "tasks", f"project={project.pk}", "--order", "-id", "-n", "2", "-q")

        assert "".join(f"{key}\n" for key in keys[:0:-1]) == ended.out
        assert "2 of 3; --limit 0 for all\n" == ended.err

    def test_says_how_to_ask_the_other_api(self, typed, world, monkeypatch):
        """A command has no session to open, but an environment."""
        monkeypatch.setenv("SYNAPSE_API", "v2")
        refused = typed("ls", "storages")
        monkeypatch.setenv("SYNAPSE_API", "auto")

        assert "SYNAPSE_API=auto" in refused.err
        assert (2, 0) == (refused.code, typed("ls", "storages").code)

    def test_ends_where_the_api_counts_nothing(self, typed, world, monkeypatch):
        """API v2 tells no number of rows; `count` reads their keys then."""
        monkeypatch.setenv("SYNAPSE_API", "v2")

        assert (0, "the first 2; --limit 0 for all\n") == typed("ls", "tasks", "-q", "-n", "2")[::2]
        assert f"{len(rows(typed('ls', 'tasks')))}\n" == typed("count", "tasks").out

    def test_has_the_columns_of_lists(self, typed, world, monkeypatch):
        """What the rows of API v2 leave out, or never had, is asked for by its name only."""
        monkeypatch.setenv("SYNAPSE_API", "v2")

        (listed, *_) = rows(typed("ls", "tasks"))
        assert ["id", "project_id", "data_unit_id", "is_discarded", "has_data", "created"] == list(listed)

    def test_leaves_out_what_only_single_objects_carry(self, typed, world):
        """`has_data` of tasks by API v1 would take a request for each row."""
        (listed, *_) = rows(typed("ls", "tasks"))
        assert ("id" in listed, "has_data" in listed) == (True, False)

    def test_prints_json(self, typed, world):
        """`--json` is one object a line."""
        ended = typed("ls", "projects", "--fields", "id,title,configuration", "--json")
        found = [json.loads(line) for line in ended.out.splitlines()]

        assert {"id": world[0].pk, "title": "도로 표지판", "configuration": {}} in found

    def test_says_what_would_be_sent(self, typed, world):
        """`--requests` prints the plan, and sends nothing."""
        assert typed("ls", "tasks", "project=1", "--requests").out.startswith("v1: GET http")

    @pytest.mark.parametrize("value", ["{0},{1}", "@{path}", "-"])
    def test_takes_several_values(self, typed, world, tmp_path, monkeypatch, value):
        """`__in` takes a list, a file of lines, or standard input."""
        keys = [str(each.pk) for each in world[0].tasks][:2]
        path = tmp_path / "ids.txt"
        path.write_text("\n".join(keys) + "\n\n")
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(keys)))
        ended = typed("ls", "tasks", f"id__in={value.format(*keys, path=path)}", "-q")

        assert keys == ended.out.split()

    def test_nothing_found_is_no_failure(self, typed, world):
        """An empty result is the line of names, and exit code 0."""
        assert (0, "id\n", "") == typed("ls", "tasks", "project=999", "--fields", "id")

    def test_escapes_what_would_break_a_row(self, typed, world):
        """A tab and a line break in a value do not end the cell."""
        tag = TaskTag.objects.create(project_id=world[0].pk, name="odd", description="a\tb\nc\\d")
        found = rows(typed("ls", "task_tags", "search=odd", "--fields", "id,description"))

        assert [{"id": str(tag.pk), "description": "a\\tb\\nc\\\\d"}] == found


class TestGet:
    def test_finds_by_key(self, typed, world):
        """`get tasks 5` prints its fields."""
        project, _ = world
        found = json.loads(typed("get", "projects", str(project.pk), "--json").out)

        assert ("도로 표지판", "image") == (found["title"], found["category"])

    def test_finds_by_name(self, typed, world):
        """`title=` finds a project, as in Python."""
        ended = typed("get", "projects", "title=도로 표지판", "--fields", "id,title")

        assert [{"name": "id", "value": str(world[0].pk)}, {"name": "title", "value": "도로 표지판"}] == rows(
            ended
        )


class TestWriting:
    def test_creates_changes_and_deletes(self, typed, world):
        """`new` prints the key, `set` changes, `rm` deletes."""
        key = typed("new", "task_tags", f"project={world[0].pk}", "name=밤", 'meta={"a": 1}').out.strip()
        told = typed("set", "task_tags", "search=밤", "--set", "description=dark", "--yes").out

        assert ("밤", "dark", {"a": 1}) == (
            (tag := TaskTag.objects.get(int(key))).name,
            tag.description,
            tag.meta,
        )
        assert "updated 1 of 1 TaskTag\n" == told
        assert "deleted 1 of 1 TaskTag\n" == typed("rm", "task_tags", "search=밤", "--yes").out

    def test_a_dry_run_writes_nothing(self, typed, world):
        """`--dry-run` says what would be done."""
        told = typed("set", "tasks", f"project={world[0].pk}", "--set", 'meta={"x": 1}', "--dry-run").out

        assert "would update 3 of 3 Task\n" == told
        assert [{}] * 3 == [task.meta for task in Task.objects.filter(project=world[0].pk)]

    def test_reads_json_from_a_file(self, typed, world, tmp_path):
        """`meta=@m.json` is the content of the file."""
        path = tmp_path / "m.json"
        path.write_text('{"deep": [1, null]}')
        key = typed(
            "new", "task_tags", f"project={world[0].pk}", "name=from a file", f"meta=@{path}"
        ).out.strip()

        assert {"deep": [1, None]} == TaskTag.objects.get(int(key)).meta


class TestTransfers:
    def test_uploads_once(self, typed, world):
        """The second run finds everything there."""
        _, folder = world
        found = rows(typed("upload", str(folder), "--collection", "Snapshots", "--project", "도로 표지판"))

        assert {"reused"} == {each["outcome"] for each in found}
        assert sorted(map(str, folder.iterdir())) == sorted(each["path"] for each in found)

    def test_downloads(self, typed, world, tmp_path):
        """The pictures of the tasks come back, byte for byte."""
        project, folder = world
        found = rows(typed("download", "tasks", f"project={project.pk}", str(tmp_path / "out")))

        sent = sorted(each.read_bytes() for each in folder.iterdir())
        assert sent == sorted(Path(each["path"]).read_bytes() for each in found)

    def test_exports(self, typed, world, tmp_path):
        """A format is written; what has no annotations is told."""
        ended = typed("export", "tasks", f"project={world[0].pk}", str(tmp_path / "coco"), "--format", "coco")

        assert {"skipped"} == {each["outcome"] for each in rows(ended)}
        assert (tmp_path / "coco").is_dir()


class TestOneRow:
    def test_is_got_by_its_name(self, typed, world):
        """A title in the place of the key, as `upload --project` takes it."""
        ended = typed("get", "projects", "도로 표지판", "--json")

        assert world[0].pk == json.loads(ended.out)["id"]

    def test_is_changed_by_its_key(self, typed, world):
        """The backend filters projects by no key, so lookups could not name it; a second time nothing differs."""
        made = typed("new", "projects", "title=One", "category=image").out.strip()
        change = ["set", "projects", made, "--set", "title=a=b", "--yes"]
        planned, done, again = typed(*change, "--dry-run"), typed(*change), typed(*change)

        assert "would update 1 of 1 Project\n" == planned.out
        assert ["updated 1 of 1 Project\n", "updated 0 of 1 Project\n"] == [done.out, again.out]
        assert "a=b" == json.loads(typed("get", "projects", made, "--json").out)["title"]

    def test_is_deleted_by_its_key(self, typed, world):
        """It is asked about by its title; a dry run leaves it."""
        made = typed("new", "projects", "title=Gone", "category=image").out.strip()
        planned = typed("rm", "projects", made, "--dry-run")
        done = typed("rm", "projects", made, "--yes")

        assert ["would delete 1 of 1 Project\n", "deleted 1 of 1 Project\n"] == [planned.out, done.out]
        assert 1 == typed("get", "projects", made).code


@pytest.mark.parametrize("place", ["-", "@-"])
def test_values_come_from_standard_input(typed, world, monkeypatch, place):
    """Either spelling; one value a line."""
    monkeypatch.setattr("sys.stdin", io.StringIO("999999\n"))

    assert (0, "0\n", "") == typed("count", "tasks", f"id__in={place}")


@pytest.mark.parametrize(
    ("script", "code"), [("print(Project.objects.count())", 0), ("Task.objects.filter(x=1)", 2)]
)
def test_a_shell_runs_what_is_piped_in(typed, world, monkeypatch, script, code):
    """Without prompts, and with an exit code."""
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    ended = typed("shell")

    assert (code, script.startswith("print")) == (ended.code, ended.out.strip().isdecimal())


def documented() -> list[str]:
    """Return the commands that the page shows for a labelled project."""
    _, _, section = PAGE.read_text("utf-8").partition("labelled project\n")
    return section.partition("```sh\n")[2].partition("\n```")[0].replace("\\\n", "").splitlines()


def test_the_documented_way_from_pictures_to_labels(typed, world, tmp_path, monkeypatch):
    """Every line of the page does what it says, on a backend where the keys are others."""
    project, photos = world
    monkeypatch.chdir(tmp_path)
    shutil.copytree(photos, "photos")
    Path("labels").mkdir()
    Path("labels/a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    Path("labels/data.yaml").write_text("names: [thing]\n")
    keys: dict[str, str] = {}
    for line in documented():
        words = [keys.get(word, word) for word in shlex.split(line.replace("Snapshots", "Shots"))[1:]]
        ended = typed(*words)
        assert 0 == ended.code, (line, ended)
        if words[0] == "new":
            entity = words[1].removesuffix("s").removeprefix("data_")
            keys |= {f"{name}=1": f"{name}={ended.out.strip()}" for name in (entity, f"data_{entity}")}

    assert 3 == len(list(Path("pictures").rglob("*.png")))
    assert 1 == len(json.loads(Path("out/annotations.json").read_text("utf-8"))["annotations"])


REFUSED = [
    ("unknown entity", ["ls", "tsks"], 2, "did you mean 'tasks'?"),
    ("unknown name", ["ls", "tasks", "projct=1"], 2, "did you mean 'project'?"),
    ("unknown value", ["ls", "tasks", "status_label=complted"], 2, "did you mean 'completed'?"),
    ("wrong type", ["ls", "tasks", "project=x"], 2, "takes an integer, got str 'x'"),
    ("no pair", ["ls", "tasks", "project"], 2, "ls takes name=value, got 'project'"),
    ("two values", ["ls", "tasks", "project=1", "project=2"], 2, "project is given twice"),
    ("unknown field", ["ls", "tasks", "--fields", "idd"], 2, "Task has no field 'idd'"),
    ("unknown order", ["ls", "tasks", "--order", "idd"], 2, "cannot be ordered by 'idd'"),
    ("missing file", ["ls", "tasks", "id__in=@nowhere.txt"], 2, "'nowhere.txt' cannot be read: No such file"),
    ("nothing to get", ["get", "tasks"], 2, "get takes a key, or name=value"),
    ("no such row", ["get", "tasks", "999999"], 1, "does not exist"),
    ("no such name", ["get", "projects", "title=nope"], 1, "no Project with title='nope'"),
    ("unknown field to set", ["new", "projects", "titel=x"], 2, "Project has no field 'titel'"),
    ("value that does not fit", ["new", "projects", "category=image", "data_collection=x"], 2, "data_collection"),
    ("broken JSON", ["new", "task_tags", "meta={"], 2, "meta takes JSON"),
    ("refused by the backend", ["new", "projects", f"title={'x' * 300}", "category=image"], 1, "400"),
    ("no terminal to ask on", ["rm", "tasks", "project=1"], 2, "no terminal to ask on: --yes agrees"),
    ("every row", ["rm", "tasks"], 2, "every row there is: give a key or name=value, or --all"),
    ("nothing to set", ["set", "tasks", "project=1", "--yes"], 2, "set needs what to set"),
    ("no such folder", ["upload", "nowhere", "--collection", "Snapshots"], 2, "'nowhere' does not exist"),
    ("no such collection", ["upload", ".", "--collection", "nope"], 1, "no DataCollection with name='nope'"),
    ("no folder", ["download", "tasks"], 2, "Missing argument"),
    ("a filter for a folder", ["download", "tasks", "project=1"], 2, "needs a folder to write to, behind project=1"),
    ("a filter for a folder of labels", ["export", "tasks", "project=1", "--format", "coco"], 2, "behind project=1"),
    ("a name that get() takes", ["get", "projects", "titel=x"], 2, "did you mean 'title'?"),
    ("no such title", ["get", "projects", "nope"], 1, "no Project with title='nope'"),
    ("no such row to delete", ["rm", "projects", "999999", "--yes"], 1, "does not exist"),
    ("nobody to ask about one row", ["rm", "projects", "PROJECT"], 2, "no terminal to ask on: --yes agrees"),
    ("no files", ["download", "projects", "out"], 2, "Project has no files to download"),
    ("no annotations", ["export", "projects", "out", "--format", "coco"], 2, "Project has no annotations to export"),
    ("unknown format", ["export", "tasks", "out", "--format", "coc"], 2, "'coc' is not one of"),
    ("shares", ["export", "tasks", "out", "--format", "coco", "--split", "a=b"], 2, "--split takes train=0.8,val=0.2"),
    ("parameter", ["run", "code", "train", "epochs=2"], 2, "parameters look like params.epochs=2"),
    ("unknown verb", ["lst"], 2, "Did you mean"),
    ("unknown option", ["ls", "tasks", "--jsn"], 2, "--json"),
    ("a token on the line", ["ls", "tasks", "--token", "x"], 2, "No such option"),
]  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "code", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
    )
    def test_is_one_line_with_its_exit_code(
        self, typed, world, monkeypatch, tmp_path, arguments, code, words
    ):
        """2: typed wrong, nothing was sent; 1: refused by the backend."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        ended = typed(*(str(world[0].pk) if each == "PROJECT" else each for each in arguments))

        assert (code, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
        assert words in ended.err

    def test_is_a_line_of_json_where_that_is_asked_for(self, typed):
        """Programs read the code, the message and the nearest name."""
        told = json.loads(typed("ls", "tasks", "projct=1", "--json").err)

        assert ("unknown-lookup", "project") == (told["code"], told["did_you_mean"])

    def test_a_refused_token_is_4(self, typed, monkeypatch):
        """So is no token; a refused one says how to get another."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "wrong")
        refused = typed("count", "tasks")
        assert "`synapse login`" in refused.err
        monkeypatch.delenv("SYNAPSE_API_TOKEN")

        assert [4, 4] == [refused.code, typed("count", "tasks").code]

    def test_an_unknown_outcome_is_3(self, typed, world, box):
        """A write whose answer was lost may have happened."""
        with box.misbehave("drop@after=1"):
            ended = typed("new", "task_tags", f"project={world[0].pk}", "name=lost")

        assert (3, "") == (ended.code, ended.out)


class TestSettings:
    def test_tell_where_they_come_from(self, typed, box):
        """`config` names the place of each, and shows no token."""
        ended = typed("config")
        found = {each["setting"]: (each["value"], each["from"]) for each in rows(ended)}

        assert (box.url, "SYNAPSE_HOST") == found["host"]
        assert ("(set)", "SYNAPSE_API_TOKEN") == found["api_token"]
        assert box.api_token not in ended.out

    def test_options_come_first(self, typed):
        """`--host` wins over the environment."""
        ended = typed("config", "--host", "https://elsewhere.example.com", "--json")

        assert '"value":"https://elsewhere.example.com","from":"host"' in ended.out

    def test_doctor_finds_everything_well(self, typed, box):
        """Each line has a verdict; the exit code says whether one is an error."""
        ended = typed("doctor")
        found = {each["what"]: each["verdict"] for each in map(json.loads, ended.out.splitlines())}

        assert 0 == ended.code
        assert {"ok"} == {found[what] for what in ("versions", "host", "backend", "account", "clock")}

    def test_doctor_tells_what_is_wrong(self, typed, monkeypatch):
        """A token that is refused is an error."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "wrong")
        ended = typed("doctor")

        assert 1 == ended.code
        assert '"verdict":"error","what":"backend"' in ended.out


def test_alone_says_what_to_do_next(ran):
    """`synapse` without a verb is a short list of first commands."""
    ended = ran()

    assert (0, "") == (ended.code, ended.err)
    assert "synapse login" in ended.out
