"""The site: the pages of `docs/` in English and in Korean, as HTML that needs no network."""

from __future__ import annotations
