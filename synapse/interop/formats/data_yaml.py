"""The names and folders that a YOLO data set tells in `data.yaml`, `classes.txt` or `obj.names`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from synapse.errors import ConfigError, MappingError, describe

_YAMLS: Final = ("data.yaml", "data.yml", "dataset.yaml")
_LISTS: Final = ("classes.txt", "labels/classes.txt", "obj.names")


@attrs.frozen(kw_only=True)
class DataYaml:
    """What is told of a data set: the names of its classes and points by number, and where its files lie."""

    names: Mapping[int, str] = attrs.field(factory=dict)
    points: tuple[str, ...] = ()
    base: Path


def read_data_yaml(root: Path) -> DataYaml:
    """Look for the names of a data set: in a YAML file, which may be `root` itself, else in a list of names."""
    base = root if root.is_dir() else root.parent
    found = [root] if _is_yaml(root) else [base / name for name in _YAMLS if (base / name).is_file()]
    if found:
        return _read(found[0], base)
    for name in _LISTS:
        if (base / name).is_file():
            lines = (base / name).read_text(encoding="utf-8-sig").splitlines()
            return DataYaml(names=dict(enumerate(line.strip() for line in lines if line.strip())), base=base)
    return DataYaml(base=base)


def _is_yaml(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".yaml", ".yml")


def _read(path: Path, base: Path) -> DataYaml:
    content = _parsed(path)
    if not isinstance(content, Mapping):
        raise MappingError(f"{path.name} is no data set of YOLO, which has names: {describe(content)}")
    told = content.get("path")
    # Absolute paths are those of another computer, mostly.
    other = base / told if isinstance(told, str) and told else base
    points = content.get("kpt_names")
    listed = next(iter(points.values()), ()) if isinstance(points, Mapping) else points
    return DataYaml(
        names=_numbered(content.get("names"), f"{path.name}: names"),
        points=tuple(_numbered(listed, f"{path.name}: kpt_names").values()),
        base=other if other.is_dir() else base,
    )


def _numbered(given: Any, path: str) -> dict[int, str]:
    """Read names as a list, or as a mapping of numbers, which may have gaps and any order."""
    if given in (None, ""):
        return {}
    pairs: Any = given.items() if isinstance(given, Mapping) else enumerate(given)
    if isinstance(given, str):
        raise MappingError(f"{path} is no list of names: {describe(given)}")
    found = {}
    for number, name in pairs:
        if not str(number).isdecimal() or not isinstance(name, str) or not name.strip():
            raise MappingError(
                f"{path} has {describe(name)} under {number!r}, where a number leads to a name"
            )
        found[int(number)] = name
    return dict(sorted(found.items()))


def _parsed(path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ConfigError(
            f'reading {path.name} needs PyYAML, which is not installed: pip install "synapse-orm[formats]", or '
            "pass classes=[...]. Nothing was sent",
            code="missing-library",
        ) from None
    try:
        # All scalars as texts: a class may be called `no` or `1`.
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        said = " ".join(str(error).split())
        raise MappingError(f"{path.name} is no YAML that can be read: {said}. Nothing was sent") from None
