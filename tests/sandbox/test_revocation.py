"""Who was let in a moment ago and is not any more."""

from __future__ import annotations

import sqlite3
import time

from collections.abc import Iterator

import pytest
import requests

from synapse.sandbox import Sandbox, serve
from tests.sandbox.wire import Wire, log_in, submit


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox whose workspaces can be locked up for good."""
    with serve(tenants=("first", "second", "third", "fourth")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def browser(box: Sandbox) -> requests.Session:
    """Someone who has logged in to the admin pages."""
    return log_in(box)


def status_of(box: Sandbox, headers: dict[str, str]) -> int:
    """Return what someone with these headers is answered."""
    return Wire(box.url).send("GET", "projects/", headers=headers).status_code


def row_of(box: Sandbox, table: str, **values: str | int) -> int:
    """Return the key of a row."""
    where = " AND ".join(f"{column} = ?" for column in values)
    with sqlite3.connect(box.data / "sandbox.sqlite3") as database:
        found = database.execute(f"SELECT id FROM {table} WHERE {where}", list(values.values())).fetchone()
    database.close()
    return int(found[0])


def test_deleted_token_opens_nothing_at_once(box: Sandbox, browser: requests.Session) -> None:
    """A token that an administrator deletes is worth nothing from the next request on."""
    headers = {"Synapse-Access-Token": box.tenants["first"].api_token}
    before = status_of(box, headers)

    pk = row_of(box, "sandbox_accesstoken", key=box.tenants["first"].api_token)
    submit(browser, f"{box.admin_url}sandbox/accesstoken/{pk}/delete/", {"post": "yes"})

    assert (200, 401) == (before, status_of(box, headers))


def test_deleted_agent_is_out_at_once(box: Sandbox, browser: requests.Session) -> None:
    """An agent that is deleted loses its token with it."""
    headers = {"SYNAPSE-Agent": box.tenants["second"].agent_token}
    before = status_of(box, headers)

    pk = row_of(box, "sandbox_agent", token=box.tenants["second"].agent_token)
    submit(browser, f"{box.admin_url}sandbox/agent/{pk}/delete/", {"post": "yes"})

    assert (200, 401) == (before, status_of(box, headers))


def test_someone_who_left_a_workspace_is_out_at_once(box: Sandbox, browser: requests.Session) -> None:
    """A user token is good for the workspaces of now."""
    login = {"email": "admin@sandbox.local", "password": box.admin_password}
    token = Wire(box.url).post("users/login/", login).json()["token"]
    headers = {"Authorization": f"Token {token}", "Synapse-Tenant": "third"}
    before = status_of(box, headers)

    tenant = row_of(box, "sandbox_tenant", code="third")
    admin = row_of(box, "auth_user", username="admin")
    pk = row_of(box, "sandbox_tenant_members", tenant_id=tenant, user_id=admin)
    submit(browser, f"{box.admin_url}sandbox/member/{pk}/delete/", {"post": "yes"})

    assert (200, 401) == (before, status_of(box, headers))


def test_token_deleted_elsewhere_opens_nothing_soon(box: Sandbox) -> None:
    """What another process changes in the database is noticed within two seconds."""
    token = box.tenants["fourth"].api_token
    headers = {"Synapse-Access-Token": token}
    before = status_of(box, headers)

    with sqlite3.connect(box.data / "sandbox.sqlite3", timeout=60) as database:
        database.execute("DELETE FROM sandbox_accesstoken WHERE key = ?", [token])
    database.close()
    end = time.monotonic() + 2
    while (after := status_of(box, headers)) == 200 and time.monotonic() < end:
        time.sleep(0.05)

    assert (200, 401) == (before, after)
