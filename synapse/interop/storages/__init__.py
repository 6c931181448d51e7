"""Storages as file systems: what the extra `storage` is for."""

from __future__ import annotations
