"""A small workspace, made over the wire, that tests of lists can look at."""

from __future__ import annotations

import attrs

from tests.sandbox.wire import Wire


@attrs.frozen
class World:
    """The keys of what was made, in the order of making."""

    collection: int
    project: int
    units: list[int]
    tasks: list[int]
    tags: list[int]


def make_units(wire: Wire, collection: int, *, count: int) -> list[int]:
    """Create units of one picture each and return their keys."""
    stored = [wire.data_file() for _ in range(count)]
    bodies = [
        {
            "data_collection": collection,
            "files": {"image_1": {"checksum": file["checksum"], "path": f"day/picture_{number}.png"}},
            "meta": {"frame": number},
            "groups": ["even" if number % 2 == 0 else "odd"],
        }
        for number, file in enumerate(stored)
    ]
    return [unit["id"] for unit in wire.create("data_units/", bodies)]


def make_project(wire: Wire, collection: int, **changes: object) -> int:
    """Create a project over a collection and return its key."""
    body = {"title": "Street signs", "category": "image", "data_collection": collection}
    return int(wire.create("projects/", body | changes)["id"])


def make_world(wire: Wire, *, count: int = 12) -> World:
    """Create a collection, its units, a project, its tasks and two tags."""
    collection = wire.collection()["id"]
    units = make_units(wire, collection, count=count)
    project = make_project(wire, collection)
    made = wire.create("tasks/", [{"project": project, "data_unit": unit} for unit in units])
    tags = [wire.create("task_tags/", {"project": project, "name": name})["id"] for name in ("hard", "easy")]
    return World(collection, project, units, [task["id"] for task in made], tags)
