"""The page at `/`: what this is, how to connect, and what is in it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from ..faults import read_faults
from . import models
from .pictures import SHOWN, is_picture
from .representation import context_of
from .settings import LOCAL

COUNTED: Final = (
    models.Project,
    models.Task,
    models.Assignment,
    models.DataCollection,
    models.DataUnit,
    models.DataFile,
    models.Plugin,
    models.Job,
    models.Model,
)
MOST: Final = 12


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the page; what is in it, to those at this machine and those who have logged in."""
    context = {"url": f"{request.scheme}://{request.get_host()}"}
    if is_at_this_machine(request) or request.user.is_staff:
        told = read_faults(settings.SANDBOX_DATA_DIR)
        context |= {"counts": counts(), "pictures": pictures(request), "faults": told}
    page = render(request, "sandbox/home.html", context)
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:"
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def is_at_this_machine(request: HttpRequest) -> bool:
    """Tell whether nobody else reaches this server, directly or by a server in front."""
    name = request.get_host().rpartition(":")[0] or request.get_host()
    return settings.SANDBOX_IS_LOCAL and name in LOCAL


def counts() -> list[tuple[str, int, str]]:
    """Return the name of each table, its number of rows, and the page that shows them."""
    return [
        (
            capfirst(table._meta.verbose_name_plural),
            table._default_manager.count(),
            reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist"),
        )
        for table in COUNTED
    ]


def pictures(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the name and the address of the newest pictures."""
    condition = Q()
    for ending in SHOWN:
        condition |= Q(file__iendswith=ending)
    names = models.DataFile.objects.filter(condition).order_by("-pk").values_list("file", flat=True)[:MOST]
    url = context_of(request).url
    return [(PurePosixPath(name).name, url(name)) for name in names if is_picture(name)]
