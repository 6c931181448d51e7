"""The Django project behind the sandbox; `configure()` opens its database to any process."""

from __future__ import annotations

import os

from typing import Any


def configure(data_dir: str | os.PathLike[str], database: str | None = None, **options: Any) -> None:
    """Set Django up on the database of the sandbox that lives in *data_dir*.

    For a process that wants to look at the same rows as the server through Django's ORM. *options* are
    those of `settings.build()`, such as `page_size`. Django can be set up once in a process.
    """
    import django

    from django.conf import settings

    from .settings import build

    if settings.configured:
        if os.fspath(settings.SANDBOX_DATA_DIR) == os.path.realpath(data_dir):
            return
        raise RuntimeError(f"Django already serves {settings.SANDBOX_DATA_DIR} in this process")
    settings.configure(**build(data_dir, database, **options))
    django.setup()
