"""How values are held: fields, codecs, state and change. Pure."""

from __future__ import annotations

from synapse.mapping.choices import OpenChoice
from synapse.mapping.identifiers import Uuid, uuid_form
from synapse.mapping.json import Json, JsonValue
from synapse.mapping.schema import Field, Schema, read_only, secret, write_only
from synapse.mapping.structuring import converter
from synapse.mapping.unset import UNSET, Unset

__all__ = [
    "UNSET",
    "Field",
    "Json",
    "JsonValue",
    "OpenChoice",
    "Schema",
    "Unset",
    "Uuid",
    "converter",
    "read_only",
    "secret",
    "uuid_form",
    "write_only",
]
