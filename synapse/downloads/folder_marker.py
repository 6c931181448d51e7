"""Whose files a download folder holds: a key says nothing of the backend and of the kind of row that it is of."""

from __future__ import annotations

import contextlib
import json

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from synapse.downloads.private_files import read_private, write_new
from synapse.errors import TransferError
from synapse.session import Session

MARKER: Final = ".synapse-downloads"
LAYOUT: Final = 2
"""How files are named in a fresh folder: since 2, those of one row share a stem, so that an upload pairs them again."""


def claim_folder(folder: Path, session: Session, *, rows: str) -> int:
    """Note that *folder* holds files of these *rows* of this backend, and return its layout.

    A folder that was begun by another layout keeps it. One that holds other files is a `TransferError`.
    """
    mine = {"host": session.host, "tenant": session.settings.tenant, "rows": rows}
    marker = folder / MARKER
    try:
        write_new(marker, json.dumps({**mine, "layout": LAYOUT}))
    except FileExistsError:
        layout = _checked(marker, mine, aliases=session.backend.aliases).get("layout", 1)
        return layout if type(layout) is int else 1
    except OSError:
        pass  # where nothing can be written, what is there can still be found
    return LAYOUT


def _checked(marker: Path, mine: dict[str, Any], *, aliases: Collection[str]) -> dict[str, Any]:
    found: object = None
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(read_private(marker))
    if not isinstance(found, dict):
        raise TransferError(
            f"{str(marker)!r} does not say whose files are there: choose another folder, or delete it if they are of "
            f"{mine['rows']} rows of {mine['host']}. Nothing was fetched"
        )
    # The tenant that a token leads to by itself has no name here.
    named = {name for name, value in mine.items() if value is not None and found.get(name) is not None}
    if any(mine[name] != found[name] and found[name] not in aliases for name in named):
        raise TransferError(
            f"{str(marker.parent)!r} holds files of {_named(found)}, not of {_named(mine)}, whose files may have the "
            f"same names: choose another folder. Nothing was fetched. (If the backend only moved, delete {marker.name})"
        )
    return found


def _named(owner: dict[str, Any]) -> str:
    tenant = f" (tenant {owner['tenant']})" if owner.get("tenant") else ""
    return f"{owner.get('rows')} rows of {owner.get('host')}{tenant}"
