"""What is said about a file, a stretch of it, or other annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

from synapse.annotations.values import (
    ANY_TEXT,
    NAMED,
    NUMBER,
    TEXT,
    Annotation,
    Takes,
    copy_json,
    mapping,
    number,
)
from synapse.values import is_many

_SEQUENCE: Final = Takes("a sequence", lambda value: isinstance(value, tuple))


@attrs.frozen(repr=False, kw_only=True)
class Label(Annotation):
    """A class of the whole file.

    >>> Label("night", attributes={"weather": "rain"}, id="Qm3Zt81xYk")
    Label('night', attributes={'weather': 'rain'}, id='Qm3Zt81xYk')
    """

    TOOL: ClassVar[str] = "classification"


@attrs.frozen(repr=False, kw_only=True)
class Section(Annotation):
    """A stretch of a video, in frames, or of a recording, in seconds."""

    TOOL: ClassVar[str] = "segmentation"

    start: float = attrs.field(converter=number, validator=NUMBER)
    end: float = attrs.field(converter=number, validator=NUMBER)


def _tuple(values: Any) -> Any:
    return tuple(values) if is_many(values) else values


@attrs.frozen(repr=False, kw_only=True)
class TimeRange(Annotation):
    """A stretch of a time series, in the unit of its time axis; `excluded_tracks` are tracks that it leaves out."""

    TOOL: ClassVar[str] = "time_range"

    start: float = attrs.field(converter=number, validator=NUMBER)
    end: float = attrs.field(converter=number, validator=NUMBER)
    excluded_tracks: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=ANY_TEXT.each())


def _parts(values: Any) -> Any:
    return tuple(map(copy_json, values)) if is_many(values) else values


@attrs.frozen(repr=False, kw_only=True)
class Span(Annotation):
    """A stretch of a text: its `content`, and where that lies, in the form that the text tool gives."""

    TOOL: ClassVar[str] = "named_entity"

    ranges: Sequence[Any] = attrs.field(converter=_parts, validator=_SEQUENCE, hash=False)
    content: str = attrs.field(default="", validator=ANY_TEXT)


def _id_of(value: str | Annotation) -> str:
    return value.id if isinstance(value, Annotation) else value


@attrs.frozen(repr=False, kw_only=True)
class Relation(Annotation):
    """A link from one annotation to another one in the same file; pass the annotations themselves or their `id`s."""

    TOOL: ClassVar[str] = "relation"

    source: str = attrs.field(converter=_id_of, validator=TEXT)
    target: str = attrs.field(converter=_id_of, validator=TEXT)


@attrs.frozen(repr=False, kw_only=True)
class Prompt(Annotation):
    """A question to a language model: its `input`, a list of parts, and what else the tool keeps with it."""

    TOOL: ClassVar[str] = "prompt"

    input: Sequence[Any] = attrs.field(converter=_parts, validator=_SEQUENCE, hash=False)
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=mapping, validator=NAMED, hash=False)


@attrs.frozen(repr=False, kw_only=True)
class Answer(Annotation):
    """An answer of a language model: its `output`, a list of parts, and what else the tool keeps with it."""

    TOOL: ClassVar[str] = "answer"

    output: Sequence[Any] = attrs.field(converter=_parts, validator=_SEQUENCE, hash=False)
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=mapping, validator=NAMED, hash=False)


@attrs.frozen(repr=False, kw_only=True)
class OtherAnnotation(Annotation):
    """An annotation of a tool that the SDK doesn't know, or whose geometry it can't read; it is sent as it came.

    `data` is its geometry, in the form that the tool gives.
    """

    tool_name: str = attrs.field(validator=ANY_TEXT)
    data: Any = attrs.field(factory=dict, converter=copy_json, hash=False)

    @property
    def tool(self) -> str:
        """The name that the backend gives to the tool that draws it."""
        return self.tool_name
