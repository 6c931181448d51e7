"""The admin pages."""

from __future__ import annotations

import re
import sqlite3

import pytest
import requests

from synapse.sandbox import Sandbox
from synapse.sandbox.backend import wording
from synapse.sandbox.privacy import DATABASE
from tests.sandbox.wire import Wire, log_in, submit
from tests.sandbox.world import World

ENTITIES = [
    "accesstoken",
    "agent",
    "assignment",
    "chunkedupload",
    "datacollection",
    "datafile",
    "dataunit",
    "dataunitfile",
    "dataunitgroup",
    "filespecification",
    "groundtruth",
    "groundtruthdataset",
    "groundtruthevent",
    "groundtruthversion",
    "job",
    "joblog",
    "model",
    "plugin",
    "pluginrelease",
    "project",
    "serveapplication",
    "storage",
    "task",
    "tasktag",
    "tenant",
]
# What a list and a form name: columns, filters with their choices, actions, and fields.
NAMED = re.compile(
    r"""<div class="text">(?:<a [^>]*>|<span>)(\w[^<]*)<|<summary>([^<]+)<"""
    r"""|<a href="\?[^"]*(?<!__id)__exact=[^"]*">([^<]+)<|<option value="\w+">([^<]+)<|<label [^>]*>([^<]+):</label>"""
)


@pytest.fixture(scope="module")
def browser(served: Sandbox) -> requests.Session:
    """Someone who has logged in."""
    return log_in(served)


def test_front_page_links_every_entity(served: Sandbox, browser: requests.Session) -> None:
    """Every table can be looked at."""
    page = browser.get(served.admin_url, timeout=30).text

    assert [] == [name for name in ENTITIES if f"/admin/sandbox/{name}/" not in page]


@pytest.mark.parametrize("name", ENTITIES)
def test_list_shows(served: Sandbox, browser: requests.Session, world: World, name: str) -> None:
    """Every list can be opened."""
    answer = browser.get(f"{served.admin_url}sandbox/{name}/", timeout=30)

    assert (200, True) == (answer.status_code, 'id="changelist"' in answer.text)


def test_row_shows_and_tokens_do_not(served: Sandbox, browser: requests.Session, world: World) -> None:
    """A row can be opened; lists do not show secrets."""
    page = browser.get(f"{served.admin_url}sandbox/task/{world.tasks[0]}/change/", timeout=30)
    tokens = browser.get(f"{served.admin_url}sandbox/accesstoken/", timeout=30)

    assert 200 == page.status_code
    assert served.api_token not in tokens.text


def test_is_closed_to_others(served: Sandbox, wire: Wire) -> None:
    """An access token opens the API, not the admin pages."""
    answer = wire.send("GET", "admin/", allow_redirects=False)

    assert (302, "/admin/login/?next=/admin/") == (answer.status_code, answer.headers["Location"])


def test_styles_are_served(served: Sandbox) -> None:
    """The pages come with their styles."""
    answer = requests.get(f"{served.url}/static/admin/css/base.css", timeout=30)

    assert (200, "text/css") == (answer.status_code, answer.headers["Content-Type"].split(";")[0])


@pytest.mark.parametrize("page", ["", "add/"])
@pytest.mark.parametrize("name", ENTITIES)
def test_names_are_korean(
    served: Sandbox, browser: requests.Session, world: World, name: str, page: str
) -> None:
    """Whoever prefers Korean finds no English name of a table, column, choice or action."""
    url = f"{served.admin_url}sandbox/{name}/{page}"
    text = browser.get(url, headers={"Accept-Language": "ko"}, timeout=30).text
    named = {next(filter(None, found)).strip() for found in NAMED.findall(text)}

    assert named
    assert [] == [each for each in named - {"ID"} if not re.search("[가-힣]", each)]


def test_terms_are_those_of_the_glossary() -> None:
    """No name or sentence has a word that the glossary of the documentation rules out, or particles in pairs."""
    ruled_out = re.compile(r"태스크|저장소|릴리즈|에러|이/가|은/는|을/를|\(으\)로|데이터 수집")

    assert [] == [korean for korean in wording.KOREAN.values() if ruled_out.search(korean)]


def test_language_can_be_chosen(served: Sandbox) -> None:
    """What was chosen on a page wins over what the browser prefers, and stays."""
    browser = log_in(served)
    submit(browser, served.admin_url, {"language": "ko", "next": "/admin/"}, to=f"{served.url}/language/")
    page = browser.get(served.admin_url, headers={"Accept-Language": "en"}, timeout=30).text

    assert ('<html lang="ko"' in page, "Synapse 샌드박스" in page, ">English</button>" in page) == (
        True,
        True,
        True,
    )


def test_a_picture_in_a_bucket_that_is_not_there_is_left_out(
    served: Sandbox, browser: requests.Session, wire: Wire
) -> None:
    """A sandbox that is started again without its bucket still shows its pages."""
    key = wire.data_file(name="gone.png")["id"]
    with sqlite3.connect(served.data / DATABASE) as rows:
        rows.execute("update sandbox_datafile set file = 's3:gone.png' where id = ?", [key])
    pages = [browser.get(f"{served.url}/{path}", timeout=30) for path in ("", "admin/sandbox/datafile/")]
    with sqlite3.connect(served.data / DATABASE) as rows:
        rows.execute("delete from sandbox_datafile where id = ?", [key])

    assert [200, 200] == [page.status_code for page in pages]
    assert [False, False] == ['alt="gone.png"' in page.text for page in pages]


def test_a_list_reads_the_files_of_its_units_together(
    served: Sandbox, browser: requests.Session, world: World
) -> None:
    """Every row of the list has its picture, and the name of its unit."""
    page = browser.get(f"{served.admin_url}sandbox/task/?project__id__exact={world.project}", timeout=30).text

    assert len(world.tasks) == page.count('class="picture small"')
    assert f"picture_{len(world.tasks) - 1}" in page
