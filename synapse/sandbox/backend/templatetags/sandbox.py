"""Words of the sandbox's own pages in the language of the request."""

from __future__ import annotations

from django import template

from ..wording import say

register = template.Library()
register.simple_tag(say)
