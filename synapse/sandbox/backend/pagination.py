"""The two ways to page through a list: by number, and by cursor where the wire has it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request

MAX_PAGE_SIZE = 1000


class PageNumbers(PageNumberPagination):
    """Answer `page` and `page_size` with count, next, previous and results."""

    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE

    def __init__(self) -> None:
        self.page_size = settings.SANDBOX_PAGE_SIZE


class Cursors(CursorPagination):
    """Answer `pagination=cursor` with next, previous and results, whatever the depth, at one price."""

    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE

    def __init__(self) -> None:
        self.page_size = settings.SANDBOX_PAGE_SIZE

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> Any:
        """Return a page; a cursor whose position is none of the ordering's values leads nowhere."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError) as error:
            raise NotFound(self.invalid_cursor_message) from error

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return tuple(view.ordering_of(request, default=("-pk",)))
