"""A PostgreSQL server of its own for a test, where the machine has one installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or nothing when it is not installed."""
    found = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(found).resolve().parent if found else installed[-1].parent if installed else None


@contextlib.contextmanager
def scratch_database(binaries: Path) -> Iterator[str]:
    """Run a server in a scratch folder and yield the address of an empty database in it."""
    # The server's socket file must have a short path, which pytest's own folders may not.
    with tempfile.TemporaryDirectory(prefix="pg") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        folder = Path(name)
        who = _unprivileged(folder)
        data = folder / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"], **who
        )
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        _run([*control, "-o", options, "start"], **who)
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], **who)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Say under which user to run: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[Any], **who: Any) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", timeout=60, check=False, **who
    )
    assert done.returncode == 0, command
