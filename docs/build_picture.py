"""Draw `docs/task.png` of the page on annotations: a task of the sandbox, as `task.picture()` paints it."""

from __future__ import annotations

from pathlib import Path

from synapse import Box, Mask, Point, Polygon, Project, Session
from synapse.sandbox import serve


def main() -> None:
    with serve(seed="demo") as sandbox, Session(sandbox.url, api_token=sandbox.api_token):
        project = Project.objects.get(1)
        task = project.tasks.first()
        assert task is not None
        stop, other, third, *_ = project.classes
        task.annotate(
            [
                Box(stop, x=24, y=18, width=62, height=60),
                Polygon(other, points=[(2, 60), (30, 92), (4, 92)]),
                Mask(third, runs=[(96 * row + 60, 96 - 60 - row // 2) for row in range(18)]),
                Point(stop, x=55, y=48),
            ],
            schema="any",
        )
        task.picture(width=384).save(Path(__file__).with_name("task.png"), optimize=True)


if __name__ == "__main__":
    main()
