"""Upload one file in a process of its own, which kills itself at the moment that it is told."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from typing import Any

from synapse import Model, Session
from synapse.dialects import Reply, Request
from synapse.transfer import ProgressStep
from synapse.uploads import upload_file


def die() -> None:
    """End without any last words."""
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Session):
    """A session that dies before or after the request of that number."""

    before = after = count = 0

    def send(self, request: Request, *, decode: Any = None) -> Reply:
        """Send one request, unless it is the last."""
        self.count += 1
        if self.count == self.before:
            die()
        reply = super().send(request, decode=decode)
        if self.count == self.after:
            die()
        return reply


def main(told: dict[str, Any]) -> None:
    """Upload as told."""

    def watch(step: ProgressStep) -> None:
        print(step.done, flush=True)
        time.sleep(told.get("pause", 0))
        if step.done >= told.get("at", step.done + 1):
            die()

    session = Mortal(told["url"], api_token=told["token"], state_dir=told["state"])
    session.before, session.after = told.get("before", 0), told.get("after", 0)
    with session:
        if "model" in told:
            Model.objects.create(name="model", file=told["path"], progress=watch)
        else:
            row = upload_file(session, told["path"], chunked=True, chunk_size=told["part"], progress=watch)
            print(json.dumps(row))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
