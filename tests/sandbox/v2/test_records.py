"""Experiments, runs, reviews and workshops below `/v2/`, and what the platform does by itself."""

from __future__ import annotations

import json

from typing import Any

import pytest

from tests.sandbox.v2.second import Second

RECORDS = ("trains", "uploads", "exports", "pre-annotations")


@pytest.mark.parametrize("path", RECORDS)
class TestRecords:
    def test_job_is_nested_in_the_whole(self, second: Second, path: str) -> None:
        """A list tells the job by two members, the address of a row by an object."""
        row = second.data(f"{path}/?per_page=1")[0]
        whole = second.data(f"{path}/{row['id']}/")

        assert (row["job_id"], row["job_status"]) == (whole["job"]["id"], whole["job"]["status"])
        assert not {"job_id", "job_status"} & whole.keys()

    def test_bounds_of_time_hold(self, second: Second, path: str) -> None:
        """`created_after` and `created_before` take their moment in."""
        moment = second.data(f"{path}/?sort=created")[2]["created"]
        bounds = {"created_after": moment, "created_before": moment}

        assert [moment] == [row["created"] for row in second.data(f"{path}/", params=bounds)]

    def test_status_of_the_job_is_a_filter(self, second: Second, path: str) -> None:
        """Rows are found by how their job ended."""
        assert {"FAILED"} == {row["job_status"] for row in second.data(f"{path}/?job__status=FAILED")}


def test_trains_come_in_the_order_of_their_jobs(second: Second) -> None:
    """Those that go on come last, page by page as well."""
    pages = second.walk("trains/?sort=job__completed&per_page=2")
    statuses = [row["job_status"] for page in pages for row in page]

    assert 5 == len(statuses)
    assert sorted(statuses, key=lambda status: status in ("PENDING", "RUNNING")) == statuses


@pytest.mark.parametrize(("query", "count"), [("has_model=true", 1), ("search=run 2", 1), ("dataset=1", 5)])
def test_trains_are_found(second: Second, query: str, count: int) -> None:
    """By model, name and version."""
    assert count == len(second.data(f"trains/?{query}"))


def test_exports_are_found_by_the_project_of_their_filter(second: Second) -> None:
    """The project is the one that was exported from."""
    assert (5, 0) == (len(second.data("exports/?project=1")), len(second.data("exports/?project=2")))


def test_experiment_takes_its_trains_along(second: Second) -> None:
    """The answer to its deletion counts them."""
    made = second.made("experiments/", {"name": "Short", "task": 3})

    answer = second.send("DELETE", f"experiments/{made['id']}/")

    assert (200, {"experiment_id": made["id"], "trains_deleted": 0}) == (
        answer.status_code,
        answer.json()["data"],
    )


class TestAsyncJobs:
    def test_pages_are_numbered(self, either: Second) -> None:
        """They count, and are in the envelope or not."""
        answer = either.get("async_jobs/?page_size=2&page=2")
        page = answer.get("data", answer)

        assert {"count", "next", "previous", "results"} == page.keys()
        assert 2 == len(page["results"]) < page["count"]

    def test_export_is_followed_to_its_end(self, second: Second) -> None:
        """A stream of named events tells the progress; the filter that was asked for changes nothing."""
        body = {"storage_id": 1, "path": "out/", "project_id": 1, "targets": ["task"], "filter": {"id": 3}}
        begun = second.post("plugin_exports/", body)
        pk = begun.json()["data"]["job_id"]

        stream = second.send("GET", f"async_jobs/{pk}/progress/").text

        names = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
        assert (202, "connected", "async_job.completed") == (begun.status_code, names[0], names[-1])
        assert (12, "COMPLETED") == (told(stream)["total_count"], second.data(f"async_jobs/{pk}/")["status"])

    def test_cancelling_twice_is_cancelling_once(self, second: Second) -> None:
        """What has ended otherwise can't be cancelled."""
        rows = {row["status"]: row["id"] for row in second.get("async_jobs/?search=demo")["results"]}
        path = f"async_jobs/{rows['PROCESSING']}/cancel/"

        first, again = second.post(path), second.post(path)

        assert ("CANCELLED", first.json()["data"]) == (first.json()["data"]["status"], again.json()["data"])
        assert (409, "INVALID_STATE") == second.refusal("POST", f"async_jobs/{rows['FAILED']}/cancel/")


def told(stream: str) -> Any:
    """Return what the last event of a stream tells."""
    return json.loads(stream.strip().splitlines()[-1].removeprefix("data: "))


class TestReviews:
    def test_reviewer_is_who_asks(self, second: Second) -> None:
        """A review belongs to the caller, and what it is about stays."""
        tag = second.data("projects/1/review-tags/")[0]["id"]
        made = second.made("reviews/", {"assignment": 1, "tags": [tag]})
        changed = second.send("PATCH", f"reviews/{made['id']}/", json={"description": "Better."})

        assert second.data("users/me/")["id"] == made["user_id"]
        assert "Better." == changed.json()["data"]["description"]
        assert (400, "VALIDATION_ERROR") == second.refusal(
            "PATCH", f"reviews/{made['id']}/", {"scope": "group"}
        )

    def test_tags_are_found_by_a_part_of_their_name(self, second: Second) -> None:
        """Lists of tags are below a project, single ones are not."""
        rows = second.data("projects/1/review-tags/", params={"name": "wide"})

        assert ["too wide"] == [row["name"] for row in rows]
        assert 1 == second.data(f"review-tags/{rows[0]['id']}/")["project_id"]
        assert (404, "NOT_FOUND") == second.refusal("GET", "review-tags/")


class TestWorkshops:
    def test_one_with_participants_stays(self, second: Second) -> None:
        """It can be deleted until somebody takes part, which needs its code."""
        pk = second.made("workshops/", {"project": 1, "name": "Third round", "access_code": "1234"})["id"]

        assert (403, "PERMISSION_DENIED") == second.refusal(
            "POST", f"workshops/{pk}/participate/", {"role": "labeler"}
        )
        made = second.made(f"workshops/{pk}/participate/", {"role": "labeler", "access_code": "1234"})
        assert {"worker_id", "role"} == made.keys()
        assert (409, "CONFLICT") == second.refusal("DELETE", f"workshops/{pk}/")

    @pytest.mark.parametrize("name", ["project", "level_distribution", "is_reviewable"])
    def test_what_it_is_made_for_stays(self, second: Second, name: str) -> None:
        """A change of it is refused."""
        assert (400, "VALIDATION_ERROR") == second.refusal("PATCH", "workshops/1/", {name: 1})


class TestWorkspace:
    def test_last_owner_stays(self, second: Second) -> None:
        """A workspace has an owner, whoever goes."""
        owners = [row["id"] for row in second.data("members/?role=owner&per_page=200")]
        for pk in owners[:-1]:
            assert 200 == second.send("PATCH", f"members/{pk}/", json={"role": "admin"}).status_code

        assert (409, "CONFLICT") == second.refusal("DELETE", f"members/{owners[-1]}/")
        for pk in owners[:-1]:
            second.send("PATCH", f"members/{pk}/", json={"role": "owner"})

    def test_secret_of_a_token_is_told_once(self, second: Second) -> None:
        """The answer to its creation has it, and it opens what its owner may see until it is deleted."""
        made = second.made("tokens/", {"description": "ci"})
        client = Second(second.url.removesuffix("/v2"), made["token"])

        assert second.data("users/me/") == client.data("users/me/")
        assert "token" not in second.data(f"tokens/{made['id']}/")
        assert 204 == second.send("DELETE", f"tokens/{made['id']}/").status_code
        assert (401, "AUTHENTICATION_REQUIRED") == client.refusal("GET", "users/me/")

    def test_tenant_is_known_by_its_code(self, second: Second) -> None:
        """It has no number."""
        assert {"code", "name", "slug", "is_active"} == second.data("tenants/first/").keys()
