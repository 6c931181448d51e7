"""COCO: boxes, polygons, masks and points of persons or other objects, and the classes of whole pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import attrs

from synapse.annotations import Annotation, Box, Label, Mask, Point, Polygon
from synapse.annotations.shapes import VISIBILITIES
from synapse.annotations.values import Json
from synapse.errors import MappingError, describe
from synapse.interop.formats.geometry import Bounds, area_of, around, bounds_of, mask_fault
from synapse.interop.formats.problems import Problem, failed, lossy, skipped
from synapse.interop.formats.rle import compress, decompress, from_counts, to_counts

INSTEAD: Final = "dm_v2 and jsonl hold it"
UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, MappingError)


def _ids(categories: Categories) -> Mapping[str, int]:
    return {name: index for index, name in enumerate(categories.names, 1)}


@attrs.frozen
class Categories:
    """The categories of a document: their names in order, from id 1; the last one is of points, if there are any.

    The *points* are the names of the points of one object, in order.
    """

    names: tuple[str, ...]
    points: tuple[str, ...] = ()
    object_name: str = "person"
    ids: Mapping[str, int] = attrs.field(init=False, eq=False, default=attrs.Factory(_ids, takes_self=True))
    """The id of each name."""

    @property
    def points_id(self) -> int:
        """The id of the category of points."""
        return self.ids.get(self.object_name, len(self.names) + 1)

    def to_json(self) -> list[Json]:
        """Write the categories."""
        made: list[Json] = [{"id": key, "name": name} for name, key in self.ids.items()]
        if self.points:
            if self.object_name not in self.names:
                made.append({"id": self.points_id, "name": self.object_name})
            made[self.points_id - 1] |= {"keypoints": list(self.points), "skeleton": []}
        return made


@attrs.frozen(kw_only=True)
class Written:
    """One picture as COCO has it: its `image`, its `annotations`, and what did not go as it is."""

    image: Json
    annotations: list[Json]
    problems: list[Problem]


def write(
    values: Iterable[Annotation],
    *,
    image: Mapping[str, Any],
    categories: Categories,
    ids: Iterator[int],
) -> Written:
    """Write the annotations of one picture, whose id, file name, width and height are in *image*.

    *ids* gives the next id; those of one document come from one iterator, such as `new_ids()`.
    """
    made: list[Json] = []
    problems: list[Problem] = []
    labels: list[str] = []
    groups: dict[str, list[Point]] = {}
    known = categories.ids
    for value in values:
        if isinstance(value, Point):
            # A point without a group is an object of its own.
            groups.setdefault(value.group or value.id, []).append(value)
        elif isinstance(value, Label):
            labels += [value.class_name] if value.class_name else []
            problems.append(
                lossy(value, "it becomes an attribute of the picture, without attributes of its own")
            )
        elif fault := _fault(value, known, image):
            problems.append(skipped(value, fault))
        else:
            shape, lost = _shape(value, width=image["width"], height=image["height"])
            problems += [lossy(value, lost)] if lost else []
            made.append(
                _item(next(ids), image, category=known[value.class_name or ""], shape=shape, value=value)
            )
    for together in groups.values():
        item, lost_points = _points_item(together, categories)
        problems += lost_points
        if item:
            made.append({"id": next(ids), "image_id": image["id"], **item})
    named = {"attributes": {"labels": labels}} if labels else {}
    return Written(image={**image, **named}, annotations=made, problems=problems)


def _fault(value: Annotation, known: Mapping[str, int], image: Mapping[str, Any]) -> str:
    if not isinstance(value, Box | Polygon | Mask):
        return f"COCO has no {type(value).__name__}; {INSTEAD}"
    if value.class_name is None:
        return "it has no class"
    if value.class_name not in known:
        return f"its class {value.class_name!r} is among no categories"
    if isinstance(value, Mask):
        return mask_fault(value, width=image["width"], height=image["height"])
    return ""


def _item(key: int, image: Mapping[str, Any], *, category: int, shape: Json, value: Annotation) -> Json:
    item = {"id": key, "image_id": image["id"], "category_id": category, "iscrowd": 0, **shape}
    return {**item, "attributes": dict(value.attributes)} if value.attributes else item


def _shape(value: Annotation, *, width: int, height: int) -> tuple[Json, str]:
    if isinstance(value, Box) and not value.rotation:
        bbox = [value.x, value.y, value.width, value.height]
        return {"segmentation": [], "area": value.width * value.height, "bbox": bbox}, ""
    if isinstance(value, Mask):
        return _mask(value, width=width, height=height), ""
    if isinstance(value, Polygon):
        flat = [number for point in value.points for number in point]
        return {
            "segmentation": [flat],
            "area": abs(area_of(value.points)),
            "bbox": _listed(around(value.points)),
        }, ""
    bounds = bounds_of(value) or (0, 0, 0, 0)
    made = {"segmentation": [], "area": bounds[2] * bounds[3], "bbox": list(bounds)}
    return made, "its rotation; the upright box around it is written"


def _mask(value: Mask, *, width: int, height: int) -> Json:
    counts = to_counts(value.runs, width=width, height=height)
    bounds = bounds_of(attrs.evolve(value, width=width, height=height))
    # As text, which is pycocotools' own form and a third of the size of a list.
    runs = {"size": [height, width], "counts": compress(counts)}
    return {"segmentation": runs, "area": value.area, "bbox": _listed(bounds)}


def _listed(bounds: Bounds | None) -> list[float]:
    return list(bounds or (0, 0, 0, 0))


def _points_item(points: Sequence[Point], categories: Categories) -> tuple[Json | None, list[Problem]]:
    """Write the points of one object in the order of their category."""
    places: dict[str, Point] = {}
    problems = []
    for point in points:
        if point.class_name not in categories.points:
            problems.append(skipped(point, f"{point.class_name!r} is no point of {categories.object_name!r}"))
        elif point.class_name in places:
            problems.append(skipped(point, f"its group has another {point.class_name!r}"))
        else:
            places[str(point.class_name)] = point
            problems += _lost(point)
    if not places:
        return None, problems
    flat: list[float] = []
    for name in categories.points:
        flat += _triple(places.get(name))
    seen = [(point.x, point.y) for point in places.values() if point.visibility != "missing"]
    bounds = around(seen) or (0, 0, 0, 0)
    return {
        "category_id": categories.points_id,
        "iscrowd": 0,
        "segmentation": [],
        "keypoints": flat,
        "num_keypoints": len(seen),
        "area": bounds[2] * bounds[3],
        "bbox": list(bounds),
    }, problems


def _lost(point: Point) -> list[Problem]:
    reasons = ["its attributes"] if point.attributes else []
    reasons += ["where it is, as it is missing"] if point.visibility == "missing" else []
    return [lossy(point, " and ".join(reasons))] if reasons else []


def _triple(point: Point | None) -> list[float]:
    if point is None or point.visibility == "missing":
        return [0, 0, 0]
    return [point.x, point.y, VISIBILITIES.index(point.visibility or "visible")]


@attrs.frozen(kw_only=True)
class Read:
    """One picture of a document: its `image`, its `annotations`, and what of it can't be read."""

    image: Json
    annotations: tuple[Annotation, ...]
    problems: tuple[Problem, ...] = ()


def read(document: object) -> Iterator[Read]:
    """Give the pictures of a document, in order; `MappingError` where it is no COCO.

    An annotation that can't be read is a problem of its picture; those whose picture isn't there come last.
    """
    sections = {name: _section(document, name) for name in ("images", "annotations", "categories")}
    categories = _numbered(sections["categories"])
    # Annotations stand in any order, not in that of their pictures.
    waiting: dict[Any, list[tuple[int, Json]]] = {}
    for index, item in sections["annotations"]:
        waiting.setdefault(_key(item.get("image_id")), []).append((index, item))
    seen: set[object] = set()
    for place, image in sections["images"]:
        key = _key(image.get("id"))
        found: list[Annotation] = _labels(image)
        problems: list[Problem] = []
        if key is None or key in seen:
            problems.append(failed(f"images[{place}].id", f"it is missing or doubled: {image.get('id')!r}"))
        seen.add(key)
        for index, item in waiting.pop(key, []) if key is not None else []:
            try:
                made, lost = _annotations(item, categories, path=f"annotations[{index}]")
            except _BadError as error:
                problems.append(failed(error.path, str(error)))
                continue
            found += made
            if lost:
                problems.append(Problem("lossy", ", ".join(lost), made[0], f"annotations[{index}]"))
        yield Read(image=image, annotations=tuple(found), problems=tuple(problems))
    rest = sorted(index for items in waiting.values() for index, _ in items)
    if rest:
        problems = [failed(f"annotations[{index}].image_id", "there is no such image") for index in rest]
        yield Read(image={}, annotations=(), problems=tuple(problems))


class _BadError(ValueError):
    """An annotation that can't be read; `path` says where."""

    def __init__(self, path: str, reason: object) -> None:
        super().__init__(str(reason))
        self.path = path


def _key(given: object) -> object:
    """Give an id as far as it can be looked for; tools that write tables make 7.0 of 7."""
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return given if isinstance(given, int | str) and not isinstance(given, bool) else None


def _numbered(categories: Iterable[tuple[int, Json]]) -> dict[object, Json]:
    found: dict[object, Json] = {}
    for place, each in categories:
        key = _key(each.get("id"))
        if key is None or key in found:
            raise MappingError(f"categories[{place}].id is missing or doubled: {describe(each.get('id'))}")
        found[key] = each
    return found


def _section(document: object, name: str) -> list[tuple[int, Json]]:
    found = document.get(name) if isinstance(document, Mapping) else None
    if name == "annotations" and found is None and isinstance(document, Mapping):
        return []
    if not isinstance(found, list):
        raise MappingError(
            f"{name} is no list; COCO has images, annotations and categories: {describe(document)}"
        )
    for index, item in enumerate(found):
        if not isinstance(item, dict):
            raise MappingError(f"{name}[{index}] is no object: {describe(item)}")
    return list(enumerate(found))


def _labels(image: Json) -> list[Annotation]:
    attributes = image.get("attributes")
    found = attributes.get("labels") if isinstance(attributes, dict) else None
    return (
        [Label(name) for name in found if isinstance(name, str) and name.strip()]
        if isinstance(found, list)
        else []
    )


def _annotations(
    item: Json, categories: Mapping[Any, Json], *, path: str
) -> tuple[list[Annotation], list[str]]:
    """Give what an item holds, and what of it is lost."""
    category = categories.get(_key(item.get("category_id")))
    if category is None:
        raise _BadError(f"{path}.category_id", f"there is no category {item.get('category_id')!r}")
    name = category.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _BadError(f"{path}.category_id", f"its category has no name: {describe(name)}")
    attributes = item.get("attributes")
    common = {"attributes": attributes if isinstance(attributes, dict) else {}}
    # Points and outlines say more than the box that stands beside them.
    for key, make in (("keypoints", _points), ("segmentation", _segments), ("bbox", _boxes)):
        if item.get(key):
            try:
                made = make(name, item[key], item=item, category=category, common=common)
            except (ValueError, MappingError) as error:
                raise _BadError(f"{path}.{key}", error) from None
            except UNREADABLE:
                raise _BadError(f"{path}.{key}", f"it is no {key}: {describe(item[key])}") from None
            # Objects without a visible point have keypoints, too: all of them 0.
            if made:
                return made, _left_out(item, made)
    raise _BadError(path, "it has neither bbox nor segmentation nor visible keypoints")


def _left_out(item: Json, made: list[Annotation]) -> list[str]:
    lost = ["that it is a crowd"] if item.get("iscrowd") else []
    if isinstance(made[0], Polygon) and len(made) > 1:
        lost.append(f"that its {len(made)} parts are one object")
    if isinstance(made[0], Point):
        bounds = around([(point.x, point.y) for point in made if isinstance(point, Point)])
        lost += ["its outline"] if item.get("segmentation") else []
        lost += ["its box"] if item.get("bbox") not in (None, [], _listed(bounds)) else []
    return lost


def _points(_: Any, flat: Any, *, item: Json, category: Json, common: Json) -> list[Annotation]:
    names = category.get("keypoints")
    if not isinstance(names, list) or len(flat) != 3 * len(names):
        raise ValueError("it has other points than its category")
    triples = zip(names, flat[::3], flat[1::3], flat[2::3], strict=True)
    group = f"object {item.get('id')}"
    return [
        Point(name, x=x, y=y, visibility=VISIBILITIES[int(seen)], group=group, **common)
        for name, x, y, seen in triples
        if seen
    ]


def _segments(name: Any, shapes: Any, *, item: Json, category: Json, common: Json) -> list[Annotation]:
    if isinstance(shapes, dict):
        height, width = shapes["size"]
        counts = shapes["counts"]
        counts = decompress(counts) if isinstance(counts, str) else counts
        runs = from_counts(counts, width=width, height=height)
        return [Mask(name, runs=runs, width=width, height=height, **common)]
    for flat in shapes:
        if len(flat) < 6 or len(flat) % 2:
            raise ValueError(f"a polygon of {len(flat)} numbers, not of three points or more")
    return [Polygon(name, points=list(zip(flat[::2], flat[1::2], strict=True)), **common) for flat in shapes]


def _boxes(name: Any, bounds: Any, *, item: Json, category: Json, common: Json) -> list[Annotation]:
    if not isinstance(bounds, list) or len(bounds) != 4:
        raise ValueError(f"it is no list of x, y, width and height: {describe(bounds)}")
    x, y, width, height = bounds
    return [Box(name, x=x, y=y, width=width, height=height, **common)]


def new_ids() -> Iterator[int]:
    """Give the ids of a document's annotations, from 1."""
    return count(1)
