"""File addresses in rows: mapped by a call, or fetched and replaced by paths."""

from __future__ import annotations

import hashlib

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from synapse.client.calls import Row
from synapse.dialects.v1_client import FILES, LISTS, names
from synapse.downloads import FileCache, RemoteFile
from synapse.downloads.fetch import without_signature
from synapse.downloads.file_names import safe_name
from synapse.errors import QueryError, TransferError, describe, did_you_mean
from synapse.orm.record import entity_named
from synapse.transfer import Meter
from synapse.transfer.data_uris import is_data_uri
from synapse.values import user_path

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient

Conversion: TypeAlias = Mapping[str, Any] | None
Convert: TypeAlias = Callable[[Any], None]
Spot: TypeAlias = tuple[Any, Any]
"""Where in a row a file is named: what holds it, and under which key."""

_DOWNLOADS: Final = ("files_fields", "is_list", "coerce")


def conversion(client: BackendClient, given: object, *, downloads: bool = True) -> Convert | None:
    """Give what converts rows in place; None where nothing is to be done, or only what is no use without *downloads*.

    `{"files": call}` puts what the call makes of each address of a row in its place, wherever its kind keeps them.
    `{"files_fields": ["files"], "coerce": call}` fetches the files, and puts their paths there. Fields may be dotted;
    what is null or missing is left.
    """
    if given is None or given == {}:
        return None
    if not isinstance(given, Mapping):
        raise QueryError(f"url_conversion must be a mapping, got {describe(given)}; nothing was sent")
    if "files_fields" in given:
        fetch = _fetching(client, given)
        return fetch if downloads else None
    for field, call in given.items():
        if field in _DOWNLOADS:
            raise QueryError(f"url_conversion has {field!r}, and lacks 'files_fields'; nothing was sent")
        if not callable(call):
            hint = did_you_mean(str(field), _DOWNLOADS)
            raise QueryError(
                f"url_conversion[{field!r}] must be a call that takes an address and gives one{hint}; nothing was sent"
            )
    _check_fields(given)
    calls = {path: call for field, call in given.items() for path in _paths_of(field, beside=given)}
    return lambda rows: _map(rows, calls)


def _check_fields(fields: Iterable[object]) -> None:
    """Refuse the name of a field that no row has; what is nested is not known here."""
    known = sorted(set().union(*(names(entity_named(flat.entity)._schema) for flat in LISTS.values())))
    for field in fields:
        name = str(field)
        if "." not in name and name not in known:
            raise QueryError(
                f"url_conversion: no row has a field {name!r}{did_you_mean(name, known)}; files are in "
                f"{', '.join(FILES)}. Nothing was sent"
            )


def _paths_of(field: str, *, beside: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the places that a field means: `files` stands for the files of a row wherever its kind keeps them."""
    if field != "files":
        return (field,)
    return tuple(path for path in FILES if path == field or path not in beside)


def _map(rows: object, calls: Mapping[str, Callable[[str], Any]]) -> None:
    for row in _objects(rows):
        for field, call in calls.items():
            for holder, key in _spots(row, field):
                if isinstance(holder[key], str):
                    holder[key] = call(holder[key])
                else:
                    holder[key]["url"] = call(holder[key]["url"])


def _fetching(client: BackendClient, given: Mapping[str, Any]) -> Convert:
    fields, coerce = given["files_fields"], given.get("coerce")
    for name in given:
        if name not in _DOWNLOADS:
            hint = did_you_mean(str(name), _DOWNLOADS)
            raise QueryError(
                f"url_conversion has no {name!r}{hint}, only {', '.join(_DOWNLOADS)}; nothing was sent"
            )
    if (
        isinstance(fields, str)
        or not isinstance(fields, Iterable)
        or not (coerce is None or callable(coerce))
    ):
        raise QueryError(
            "url_conversion takes a list of 'files_fields', and a call 'coerce'; nothing was sent"
        )
    named = [str(field) for field in fields]
    _check_fields(named)

    def fetch(rows: object) -> None:
        spots = [spot for row in _objects(rows) for field in named for spot in _spots(row, field)]
        for spot, path in zip(spots, _paths(client, spots), strict=True):
            _put(spot, path if coerce is None else coerce(path))

    return fetch


def _paths(client: BackendClient, spots: list[Spot]) -> list[Path]:
    """Fetch files side by side, each address once, and give a path for each spot."""
    wanted = {_address(spot): spot for spot in spots}
    fetched = client.session.map(lambda each: _fetched(client, wanted[each]), wanted)
    found = {each.item: each.value() for each in fetched}
    return [found[_address(spot)] for spot in spots]


def _fetched(client: BackendClient, spot: Spot) -> Path:
    holder, key = spot
    file = RemoteFile.from_wire(holder[key], session=client.session)
    if isinstance(holder, dict):
        file = file.beside(holder.get)
    place = f"{_unsigned(file.url)} {file.checksum}"
    stem = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    target = client.files_dir / f"{stem}{Path(safe_name(file.name)).suffix}"
    if file.matches(target):
        return target
    cache = FileCache(client.files_dir)
    return file.fetch_to(target, meter=Meter.silent(), overwrite=True, cache=cache)


def _unsigned(url: str) -> str:
    try:
        return url if is_data_uri(url) else without_signature(url)
    except ValueError:
        return url  # fetching it will tell what is wrong with it


def _put(spot: Spot, path: Any) -> None:
    holder, key = spot
    if isinstance(holder[key], str):
        holder[key] = path
    else:
        del holder[key]["url"]
        holder[key]["path"] = path


def _address(spot: Spot) -> str:
    holder, key = spot
    return str(holder[key] if isinstance(holder[key], str) else holder[key]["url"])


def _objects(rows: object) -> Iterator[Row]:
    return (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))


def _spots(row: Row, field: str) -> Iterator[Spot]:
    """Find the files of a field: one, some by name, or a list of them."""
    *path, last = field.split(".")
    holder: Any = row
    for name in path:
        holder = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or last not in holder:
        return
    value = holder[last]
    if _names_file(value):
        yield holder, last
    elif isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            if _names_file(value[key]):
                yield value, key


def _names_file(value: object) -> bool:
    if isinstance(value, dict):
        value = value.get("url")
    return isinstance(value, str) and bool(value)


def checked_folder(folder: object) -> Path:
    """Take the folder that files are fetched into."""
    if not isinstance(folder, str | Path) or not str(folder):
        raise TransferError(f"files_dir must be the path of a folder, not {describe(folder)}")
    return user_path(folder)
