"""What the releases of a plugin can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import ClientError, QueryError, TransportError, did_you_mean, quoted
from synapse.orm.record import entity_named, table_of

if TYPE_CHECKING:
    from synapse.entities.plugin import Plugin
    from synapse.session import Session

_KEPT: Final = "plugin actions"
_READ: Final = 50


def check_action(plugin: Plugin, action: str, *, version: str | None, session: Session) -> None:
    """Refuse an action that the release to be run does not offer; where that cannot be told, the backend decides."""
    key = f"{plugin.pk}@{version or ''}"

    def look() -> dict[str, Any]:
        return {"actions": _offered(plugin, version, session=session)}

    offered: list[str] = []
    # What is kept may be of an older release: it may allow, and only what was just read may refuse.
    for fresh in (False, True):
        if fresh:
            session.cache.drop(_KEPT, key)
        try:
            kept: Any = session.cache.once(_KEPT, key, get=look)
        except (ClientError, TransportError):
            return  # the run itself says what is wrong
        offered = kept["actions"]
        if action in offered or not offered:
            return
        if not session.cache.ttl:
            break
    which = f"release {version}" if version else "its newest release"
    raise QueryError(
        f"{plugin!r} has no action {quoted(action)}{did_you_mean(action, offered)}. Actions of {which}: "
        f"{', '.join(offered)}. Nothing was sent; BackendClient.run_plugin() sends it unchecked"
    )


def _offered(plugin: Plugin, version: str | None, *, session: Session) -> list[str]:
    """Name the actions of the releases that may be run; none where one of them does not tell."""
    table = table_of(entity_named("PluginRelease"), session)
    asked = plugin.releases.order_by("-id")[:_READ].query
    request = attrs.evolve(table.select(asked, size=_READ), optional=True)
    rows: list[Any] = table.found(session.send(request), request).rows
    releases = [row for row in rows if isinstance(row, dict)]
    if version is not None:
        meant = [row for row in releases if row.get("version") == version]
    else:
        # Whether a debug release counts as the newest is up to the backend.
        released = [row for row in releases if not row.get("debug")]
        meant = [*releases[:1], *released[:1]]
    actions = [_of(row) for row in meant]
    return list(dict.fromkeys(name for names in actions for name in names)) if all(actions) else []


def _of(release: dict[str, Any]) -> list[str]:
    config = release.get("config")
    told = [release.get("available_actions"), config.get("actions") if isinstance(config, dict) else None]
    return [name for each in told if isinstance(each, list | dict) for name in each if isinstance(name, str)]
