"""Start a sandbox in another process, and stop it again."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal
from urllib.parse import urlencode

import attrs

from .faults import Faults, read_faults, write_faults
from .network import SandboxWarning, is_local, warning_of
from .privacy import open_private, private_folder

STARTUP_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
LOG_TAIL: Final = 2_000
NEEDED: Final = ("django", "rest_framework", "django_filters", "drf_chunked_upload", "waitress")


class SandboxError(RuntimeError):
    """The sandbox could not be started."""


@attrs.frozen
class TenantAccess:
    """The secrets that open one workspace of a sandbox."""

    api_token: str = attrs.field(repr=False)
    agent_token: str = attrs.field(repr=False)


@attrs.frozen
class Sandbox:
    """A sandbox that is running: where it is and what opens it.

    `api_token` and `agent_token` are those of `tenant`, the first of `tenants`.
    """

    url: str
    api_token: str = attrs.field(repr=False)
    agent_token: str = attrs.field(repr=False)
    tenant: str
    admin_url: str
    admin_user: str
    admin_password: str = attrs.field(repr=False)
    data: Path
    pid: int
    tenants: Mapping[str, TenantAccess]

    @property
    def faults(self) -> str:
        """What it does wrong on demand, with the seed that repeats it; nothing if it behaves."""
        return read_faults(self.data)

    def set_faults(self, text: str) -> str:
        """Have it do wrong from the next request on, as in `serve(faults=…)`; return that with its seed.

        Requests are counted anew. `""` ends it.
        """
        return write_faults(self.data, text)

    @contextlib.contextmanager
    def misbehave(self, text: str) -> Iterator[str]:
        """Have it do wrong for as long as the block lasts."""
        before = self.faults
        told = self.set_faults(text)
        try:
            yield told
        finally:
            self.set_faults(before)

    @classmethod
    def from_json(cls, line: str) -> Sandbox:
        """Return the sandbox that announced itself with *line*."""
        facts: dict[str, Any] = json.loads(line)
        tenants = {code: TenantAccess(**secrets) for code, secrets in facts.pop("tenants").items()}
        return cls(**{**facts, "data": Path(facts["data"]), "tenants": tenants})


@attrs.frozen
class ObjectStorage:
    """An S3 service that files are put into directly: the address of its bucket, and the keys to sign with.

    Keys that are not given are found where boto3 looks for them. Files from `threshold` bytes on go in parts of
    `part_size` bytes, of which S3 takes none below 5 MiB.
    """

    url: str
    key: str | None = attrs.field(default=None, repr=False)
    secret: str | None = attrs.field(default=None, repr=False)
    region: str | None = None
    threshold: int | None = None
    part_size: int | None = None

    @property
    def address(self) -> str:
        """All but the keys, as the command line takes it."""
        named = {"region": self.region, "threshold": self.threshold, "part_size": self.part_size}
        query = urlencode({name: value for name, value in named.items() if value is not None})
        return f"{self.url}?{query}" if query else self.url

    @property
    def environment(self) -> dict[str, str]:
        """The keys, which travel by the environment, where no list of processes shows them."""
        keys = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}
        return {name: value for name, value in keys.items() if value is not None}


@contextlib.contextmanager
def serve(
    data: str | os.PathLike[str] | None = None,
    *,
    seed: str | None = None,
    database: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    tenants: Sequence[str] = ("sandbox",),
    threads: int = 32,
    page_size: int = 20,
    language: str = "en",
    object_storage: ObjectStorage | str | None = None,
    allow_hosts: Sequence[str] = (),
    faults: str = "",
    v2_cursors: Literal["token", "url"] = "token",
    v2_wraps_pages: bool = False,
    v2_inline_bytes: int | None = None,
) -> Iterator[Sandbox]:
    """Run a sandbox in another process for as long as the block lasts.

    It keeps everything in the folder *data*, so that the next one there goes on with the same rows and
    tokens; without it, in a scratch folder that is removed afterwards. *seed* is `"demo"` or nothing,
    *database* a `postgresql://` address instead of SQLite, *port* 0 any free port, *tenants* the workspaces
    to have, the first of which the handle speaks for. With *object_storage*, the bucket of an S3 service such as
    `http://127.0.0.1:9000/photos`, clients can put files there directly. It answers for the names of this machine and
    for *allow_hosts*. Where *host* opens it to other machines, a `SandboxWarning` says so. *faults* is what it shall do
    wrong, such as `"latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=7"`. It also stops when this process dies.

    Of the API below `/v2/` it isn't known how cursors are told (*v2_cursors*) and whether numbered pages are in the
    envelope (*v2_wraps_pages*). Payloads there that are larger than *v2_inline_bytes* are left out of their rows.
    """
    require_extra()
    if not is_local(host):
        warnings.warn(warning_of(host), SandboxWarning, stacklevel=3)
    store = ObjectStorage(object_storage) if isinstance(object_storage, str) else object_storage
    values = {
        "--seed": seed,
        "--database": database,
        "--host": host,
        "--port": port,
        "--threads": threads,
        "--page-size": page_size,
        "--language": language,
        "--object-storage": store and store.address,
        "--faults": str(Faults.parse(faults)),
        "--v2-cursors": v2_cursors,
        "--v2-inline-bytes": v2_inline_bytes,
    }
    arguments = [f"{name}={value}" for name, value in values.items() if value is not None]
    arguments += ["--v2-wraps-pages"] * v2_wraps_pages
    arguments += [f"--tenant={code}" for code in tenants]
    arguments += [f"--allow-host={name}" for name in allow_hosts]
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_folder(data))
            log = stack.enter_context(open_private(folder / "server.log"))
        except OSError as error:
            raise SandboxError(f"the sandbox cannot use {data}: {error.strerror}") from error
        log_size = log.tell()
        process = stack.enter_context(
            _process(folder, arguments, log=log, keys=store.environment if store else {})
        )
        line = _first_line(process)
        if not line:
            log.seek(log_size)
            raise SandboxError(_reason(process, log.read().decode(errors="replace")))
        yield Sandbox.from_json(line)


def require_extra() -> None:
    """Raise an error that says what to install when the sandbox's own dependencies are missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f'the sandbox needs {", ".join(missing)}: pip install "synapse-orm[sandbox]"', name=missing[0]
        )


def cache_folder() -> Path:
    """Return where this platform keeps what can be made again."""
    if os.environ.get("XDG_CACHE_HOME"):
        base = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir()))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    else:
        base = Path("~/.cache").expanduser()
    return base / "synapse" / "sandbox"


@contextlib.contextmanager
def _folder(data: str | os.PathLike[str] | None) -> Iterator[Path]:
    if data is not None:
        # A shell leaves `--data=~/sandbox` as it is.
        yield private_folder(Path(os.path.expanduser(data)))  # noqa: PTH111
        return
    scratch = Path(tempfile.mkdtemp(prefix="synapse-sandbox-"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _process(
    folder: Path, arguments: list[str], *, log: IO[bytes], keys: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "synapse.sandbox", f"--data={folder}", "--stop-with-parent", *arguments]
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **keys, "PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _first_line(process: subprocess.Popen[str]) -> str:
    """Return what a sandbox announces, or nothing when it ends or takes too long."""
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=_read_line, args=(process.stdout, lines), daemon=True)
    reader.start()
    reader.join(STARTUP_SECONDS)
    if lines == [""]:
        # Its output is closed a moment before it is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    return lines[0] if lines else ""


def _reason(process: subprocess.Popen[str], said: str) -> str:
    if process.poll() == 2:
        return f"the sandbox {said.strip().removeprefix('synapse.sandbox: ')}"
    ending = (
        "ended at once" if process.poll() is not None else f"did not answer within {STARTUP_SECONDS:.0f} s"
    )
    return f"the sandbox {ending}; it said:\n{said[-LOG_TAIL:].strip() or '(nothing)'}"


def _read_line(stream: IO[str], lines: list[str]) -> None:
    lines.append(stream.readline())
