"""Run one sandbox in this process: prepare its database, say where it is, serve until told to stop."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
import time

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..faults import write_faults
from ..network import is_local, warning_of
from ..privacy import DATABASE, private_folder
from . import configure
from .settings import INLINE_BYTES, SecondGeneration

CONNECTIONS = 1_000
SHUTDOWN_SECONDS = 0.5
PARENT_POLL_SECONDS = 1.0
# One that was told to stop, or whose parent died, may need a moment to be gone.
TAKEOVER_SECONDS = 2.0
# Django REST framework imports these where they are installed, and the sandbox uses none: a third of a start.
UNUSED = ("requests", "yaml", "markdown", "uritemplate", "inflection", "pygments")
VERSIONED = ("django", "djangorestframework", "django-filter", "drf-chunked-upload")


class StartError(RuntimeError):
    """The server cannot start, for a reason that who started it can do something about."""


@dataclass(frozen=True)
class Options:
    """How to serve one sandbox."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    database: str | None = None
    tenants: tuple[str, ...] = ("sandbox",)
    seed: str | None = None
    threads: int = 32
    page_size: int = 20
    language: str = "en"
    object_storage: str | None = None
    allow_hosts: tuple[str, ...] = ()
    faults: str = ""
    v2_cursors: str = "token"
    v2_wraps_pages: bool = False
    v2_inline_bytes: int = INLINE_BYTES
    cache: Path = field(default_factory=Path)
    stop_with_parent: bool = False


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; print one JSON line when ready."""
    os.umask(0o077)
    if options.stop_with_parent:
        threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()
    with _sole_server(options.data):
        server, facts = _prepare(options)
        with contextlib.closing(server):
            if not is_local(options.host):
                print(f"synapse.sandbox: {warning_of(options.host)}", file=sys.stderr, flush=True)
            print(json.dumps(facts), flush=True)
            server.run()


def _prepare(options: Options) -> tuple[Any, dict[str, Any]]:
    """Make everything ready to answer the first request; return the server and what there is to announce."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error

    from .settings import SettingsError

    gc.disable()  # nearly all that is made from here on stays
    with _explained(f"use {options.data}", OSError):
        _clear_leftovers(options.data)
        write_faults(options.data, options.faults)
        with _explained("use the database", SettingsError, ImproperlyConfigured, Error):
            open_database(options)
            facts = _populate(options)
    with _explained(f"listen on {options.host}:{options.port}", OSError):
        server = _server(options)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"
    return server, {"url": url, "admin_url": f"{url}/admin/", **facts}


def open_database(options: Options) -> None:
    """Set Django up on the database of a sandbox, with all its tables."""
    if options.database is None:
        _copy_template(options)
    bucket = _bucket(options)
    with _left_out(*UNUSED, *(["psycopg", "psycopg2"] if options.database is None else [])):
        configure(
            options.data,
            options.database,
            page_size=options.page_size,
            language=options.language,
            bucket=bucket,
            hosts=known_hosts(options),
            is_local=is_local(options.host) and not options.allow_hosts,
            v2=SecondGeneration(options.v2_cursors, options.v2_wraps_pages, options.v2_inline_bytes),
        )
        import rest_framework.compat  # noqa: F401
    _migrate(options)


@contextlib.contextmanager
def _left_out(*names: str) -> Iterator[None]:
    """Let what is imported in the block find that libraries are not installed."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def known_hosts(options: Options) -> list[str]:
    """Name the hosts that clients may ask for: this machine by its names and addresses, where it can be reached."""
    from .settings import LOCAL

    names = [*LOCAL, options.host, *options.allow_hosts]
    if not is_local(options.host):
        own = socket.gethostname()
        names += [own, socket.getfqdn()]
        with contextlib.suppress(OSError):
            names += [str(found[4][0]) for found in socket.getaddrinfo(own, None)]
        names += _outward_addresses()
    return list(dict.fromkeys(f"[{n}]" if ":" in n and not n.startswith("[") else n for n in names))


def _outward_addresses() -> Iterator[str]:
    # Nothing is sent: a datagram socket only chooses the address that it would send from.
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            yield str(probe.getsockname()[0])


def _bucket(options: Options) -> Any:
    """Return the bucket that files may be put into directly, once it has been reached."""
    if options.object_storage is None:
        return None
    from .objects import Bucket, BucketError, check

    with _explained("use the object storage", BucketError):
        bucket = Bucket.parse(options.object_storage)
        check(bucket)
    return bucket


@contextlib.contextmanager
def _explained(attempt: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn *errors* that are not ours to mend into one sentence."""
    try:
        yield
    except errors as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StartError(f"cannot {attempt}: {' '.join(reason.split())}") from error


@contextlib.contextmanager
def _sole_server(folder: Path) -> Iterator[None]:
    """Keep a second server out of the folder for as long as the block lasts, even if this one is killed."""
    from django.core.files import locks

    with contextlib.ExitStack() as stack:
        with _explained(f"use {folder}", OSError):
            private_folder(folder)
            file = stack.enter_context((folder / "server.lock").open("a"))
        give_up = time.monotonic() + TAKEOVER_SECONDS
        while not locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            if time.monotonic() > give_up:
                raise StartError(f"cannot use {folder}: another sandbox serves it")
            time.sleep(0.05)
        yield


def _clear_leftovers(folder: Path) -> None:
    """Remove what a server that was killed had half received or half copied."""
    for left in (*folder.glob("incoming/*"), *folder.glob("*.part")):
        left.unlink()


def _server(options: Options) -> Any:
    from django.core.wsgi import get_wsgi_application
    from django.db import connections
    from django.urls import get_resolver
    from waitress.server import create_server

    from .misbehaving import Misbehaving
    from .settings import MOST_IN_ALL

    # A name may stand for several addresses, each of which would be given a port of its own.
    address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][4][0]
    application = Misbehaving(get_wsgi_application(), options.data)
    _ = get_resolver().url_patterns
    server = create_server(
        application,
        host=address,
        port=options.port,
        threads=options.threads,
        max_request_body_size=MOST_IN_ALL,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        ident="synapse-sandbox",
        # A handler may wait for a client that went away; nobody waits for the handler then.
        channel_timeout=300,
    )
    server.task_dispatcher.shutdown = partial(server.task_dispatcher.shutdown, timeout=SHUTDOWN_SECONDS)
    connections.close_all()
    # What was loaded so far stays: keep the collector from walking it on every run.
    gc.collect()
    gc.freeze()
    gc.enable()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    return server


def _populate(options: Options) -> dict[str, Any]:
    """Make what every sandbox has and return the secrets that open it."""
    from . import exports, runs
    from .accounts import ensure_admin, ensure_tenant

    password = _admin_password(options.data)
    admin = ensure_admin(password)
    accesses = [ensure_tenant(code, admin=admin) for code in options.tenants]
    main = accesses[0]
    if options.seed:
        from .seed import seed

        seed(main.tenant, main.user, name=options.seed)
    runs.recover()
    exports.recover()
    return {
        "api_token": main.api_token,
        "agent_token": main.agent_token,
        "tenant": main.tenant.code,
        "admin_user": admin.username,
        "admin_password": password,
        "data": str(options.data.resolve()),
        "pid": os.getpid(),
        "tenants": {
            access.tenant.code: {"api_token": access.api_token, "agent_token": access.agent_token}
            for access in accesses
        },
    }


def _admin_password(folder: Path) -> str:
    path = folder / "admin.password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(12))
    return path.read_text()


def schema_key() -> str:
    """Return what tells one shape of the database from another."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "migrations").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(" ".join(f"{name}={version(name)}" for name in VERSIONED).encode())
    return digest.hexdigest()[:20]


def _template(options: Options) -> Path:
    return options.cache / f"{schema_key()}.sqlite3"


def _copy_template(options: Options) -> None:
    """Start from a database that was migrated before: migrating takes seconds, copying does not."""
    target, template = options.data / DATABASE, _template(options)
    if template.exists() and not target.exists():
        part = target.with_suffix(f".{os.getpid()}.part")
        shutil.copyfile(template, part)
        part.replace(target)
        (options.data / "schema.key").write_text(schema_key())


def _migrate(options: Options) -> None:
    from django.core.management import call_command
    from django.db import connection

    marker = options.data / "schema.key"
    if options.database is None and marker.exists() and marker.read_text() == schema_key():
        return
    fresh = options.database is None and not connection.introspection.table_names()
    call_command("migrate", verbosity=0, interactive=False)
    if options.database is None:
        marker.write_text(schema_key())
    if fresh:
        connection.close()
        _keep_template(options)


def _keep_template(options: Options) -> None:
    template = _template(options)
    # Without a place to keep it, the next start migrates again.
    with contextlib.suppress(OSError):
        options.cache.mkdir(parents=True, exist_ok=True)
        part = template.with_suffix(f".{os.getpid()}.part")
        shutil.copyfile(options.data / DATABASE, part)
        part.replace(template)


def _follow_parent(parent: int) -> None:
    """Stop this process when the one that started it is gone or closes our standard input."""
    closed = threading.Event()
    threading.Thread(target=_read_to_end, args=(closed,), daemon=True).start()
    while os.getppid() == parent:
        if closed.wait(PARENT_POLL_SECONDS):
            break
    os.kill(os.getpid(), signal.SIGTERM)


def _read_to_end(closed: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    closed.set()
