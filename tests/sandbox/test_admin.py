"""The admin pages."""

from __future__ import annotations

import pytest
import requests

from synapse.sandbox import Sandbox
from tests.sandbox.wire import Wire, log_in
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
