"""Random documents of DM schemas v1 and v2."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

Json = dict[str, Any]

NUMBERS: Final = st.integers(-9, 999) | st.floats(-10, 1000, allow_nan=False)
TEXT: Final = st.sampled_from(["", " ", "a", "차", "class", "rotation", "visibility", "x\n"])
NAMES: Final = st.sampled_from(["stop", "가", "yield sign", "a"])
IDS: Final = st.sampled_from(["Qm3Zt81xYk", "a", "b", "c", "d-1"])
SCALARS: Final = st.none() | st.booleans() | st.integers(-3, 3) | NUMBERS | TEXT
ANY: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
MEDIA: Final = st.sampled_from(["image_1", "image_2", "video_1", "audio_1", "pcd_1", "text_1", "data_1"])

POINT: Final = st.fixed_dictionaries({"x": NUMBERS, "y": NUMBERS}, optional={"id": IDS, "z": ANY})
LINE: Final = st.lists(POINT, max_size=4)
BOX: Final = st.fixed_dictionaries(
    dict.fromkeys(("x", "y", "width", "height"), NUMBERS), optional={"rotation": NUMBERS | st.none()}
)
AXES: Final = st.fixed_dictionaries(dict.fromkeys("xyz", NUMBERS))
PSR: Final = st.fixed_dictionaries(
    {"position": AXES, "scale": AXES},
    optional={"rotation": AXES | st.fixed_dictionaries(dict.fromkeys("wxyz", NUMBERS))},
)
RUNS: Final = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)).map(list), max_size=3)
MASK: Final = st.fixed_dictionaries(
    {"pixel_indices": RUNS | st.lists(st.integers(0, 99), max_size=5)},
    optional={"isCompressed": st.booleans(), "compressionFormat": st.just("rle") | st.none()},
)
FRAMES: Final = st.fixed_dictionaries({"startFrame": NUMBERS, "endFrame": NUMBERS})
SECONDS: Final = st.fixed_dictionaries({"start": NUMBERS, "end": NUMBERS})
TRACKS: Final = {"excludedTracks": st.lists(NAMES, min_size=1, max_size=2)}
PARTS: Final = st.lists(st.fixed_dictionaries({"type": NAMES}, optional={"value": ANY}), max_size=2)
GEOMETRY: Final[dict[str, st.SearchStrategy[Json]]] = {
    "bounding_box": st.fixed_dictionaries({"coordinate": BOX}),
    "polygon": st.fixed_dictionaries({"coordinate": LINE}),
    "polyline": st.fixed_dictionaries({"coordinate": LINE}),
    "keypoint": st.fixed_dictionaries({"coordinate": POINT}),
    "segmentation": MASK | st.fixed_dictionaries({"section": FRAMES | SECONDS}),
    "3d_bounding_box": st.fixed_dictionaries({"psr": PSR}),
    "3d_segmentation": st.fixed_dictionaries({"points": st.lists(st.integers(0, 99), max_size=4)}),
    "classification": st.just({}),
    "named_entity": st.fixed_dictionaries({"ranges": st.lists(ANY, max_size=2), "content": TEXT}),
    "relation": st.fixed_dictionaries({"annotationId": IDS, "targetAnnotationId": IDS}),
    "prompt": st.fixed_dictionaries({"input": PARTS, "tool": st.just("prompt")}, optional={"model": NAMES}),
    "answer": st.fixed_dictionaries(
        {"output": PARTS, "tool": st.just("answer")}, optional={"timestamp": NUMBERS}
    ),
    "time_range": st.fixed_dictionaries({"section": SECONDS}, optional=TRACKS),
    "lane_3000": st.fixed_dictionaries({"spline": ANY}),
}
TOOLS: Final = st.sampled_from(sorted(GEOMETRY))
CLASSIFICATION: Final = st.dictionaries(TEXT, ANY, max_size=2)
ENTRY: Final = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS | ANY,
        "tool": TOOLS | ANY,
        "classification": CLASSIFICATION | ANY,
        "isLocked": ANY,
        "isValid": st.booleans(),
        "label": ANY,
    },
)
DATA: Final = st.builds(
    lambda geometry, more: {**geometry, **more},
    TOOLS.flatmap(GEOMETRY.__getitem__) | st.dictionaries(TEXT, ANY, max_size=2),
    st.fixed_dictionaries({}, optional={"id": IDS | ANY, "frameIndex": ANY, "coordinate": ANY}),
)
GROUPS: Final = st.lists(
    st.fixed_dictionaries({"id": IDS, "annotationIds": st.lists(IDS, max_size=2)}) | ANY, max_size=2
)


PAIR: Final = st.tuples(IDS, TOOLS).flatmap(
    lambda pair: st.tuples(
        ENTRY.map(lambda entry: {**entry, "id": pair[0], "tool": pair[1]}),
        GEOMETRY[pair[1]].map(lambda data: {**data, "id": pair[0]}),
    )
)
MEDIUM: Final = st.tuples(
    MEDIA, st.lists(PAIR, max_size=4), st.lists(ENTRY, max_size=1), st.lists(DATA, max_size=2), st.randoms()
)


def _joined(media: list[Any], document: Json) -> Json:
    """Add annotations with their data, in another order than these."""
    for name, pairs, entries, data, random in media:
        found = [*(item for _, item in pairs), *data]
        random.shuffle(found)
        for key, items in (
            ("annotations", [*(entry for entry, _ in pairs), *entries]),
            ("annotationsData", found),
        ):
            document[key] = {**(document.get(key) or {}), name: items}
    return document


def _of_media(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(MEDIA, st.lists(items, max_size=4) | st.none(), max_size=2) | st.none()


_V1: Final = st.fixed_dictionaries(
    {"annotations": _of_media(ENTRY)},
    optional={
        "annotationsData": _of_media(DATA),
        "extra": st.dictionaries(MEDIA, st.fixed_dictionaries({"width": ANY, "height": ANY}) | ANY) | ANY,
        "relations": ANY,
        "annotationGroups": st.dictionaries(MEDIA, GROUPS | ANY, max_size=2) | ANY,
        "assignmentId": ANY,
        "new": ANY,
    },
)
V1: Final = st.builds(_joined, st.lists(MEDIUM, max_size=2), _V1)
"""Documents of v1 in any state: of unknown tools, with data that fits nothing, orphans, and doubled ids."""


@st.composite
def tidy_v1(draw: st.DrawFn) -> Json:
    """Draw a document of v1 that holds nothing but what v2 can hold, in the order in which v2 has it."""
    entries, data, tools = [], [], sorted(draw(st.lists(TOOLS, max_size=5)))
    for number, tool in enumerate(tools):
        key = f"id{number}"
        attributes = draw(st.dictionaries(st.sampled_from(["color", "색"]), ANY, max_size=2))
        entries.append({"id": key, "tool": tool, "classification": {"class": draw(NAMES), **attributes}})
        data.append({**draw(GEOMETRY[tool]), "id": key})
    if not entries:
        return {"annotations": {}, "annotationsData": {}}
    return {"annotations": {"image_1": entries}, "annotationsData": {"image_1": data}}


V2_DATA: Final = (
    ANY | st.lists(NUMBERS, min_size=4, max_size=4) | st.lists(st.lists(NUMBERS, min_size=2, max_size=2))
)
V2_ITEM: Final = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS | ANY,
        "classification": NAMES | ANY,
        "attrs": st.lists(st.fixed_dictionaries({"name": TEXT, "value": ANY}) | ANY, max_size=3) | ANY,
        "data": V2_DATA
        | RUNS
        | FRAMES
        | SECONDS
        | PSR
        | st.fixed_dictionaries({"points": st.lists(NUMBERS)}),
        "visibility": st.integers(0, 3) | ANY,
        "group_id": ANY,
        "encoding": ANY,
    },
)
V2_MEDIUM: Final = st.dictionaries(TOOLS | TEXT, st.lists(V2_ITEM, max_size=3) | st.none() | TEXT, max_size=2)
V2: Final = st.fixed_dictionaries(
    {"classification": st.dictionaries(TOOLS, st.lists(NAMES, max_size=2) | ANY, max_size=2) | ANY},
    optional={
        **dict.fromkeys(("images", "videos", "pcds", "datas"), st.lists(V2_MEDIUM, max_size=2)),
        "new": ANY,
    },
)
"""Documents of v2 in any state."""
