"""Fields and schemas: what may be set, by which name, and what a refusal may say."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from synapse.entities import AccessLevel
from synapse.errors import MappingError, QueryError
from synapse.mapping import UNSET, Field, Schema, read_only, secret, write_only
from synapse.mapping.codecs import codec_of
from synapse.mapping.schema import READ_ONLY, SECRET, WRITE_ONLY, ToOneLink
from synapse.query.kinds import Key

FIELDS = {
    name: Field(name, codec_of(kind), **options)
    for name, kind, options in (
        ("id", int, {"read_only": True}),
        ("title", str, {}),
        ("project_id", int, {}),
        ("meta", dict[str, Any], {"default": {}, "nullable": True}),
        ("token", str, {"secret": True}),
        ("configuration", dict[str, Any], {"secret": True}),
        ("access", AccessLevel, {"default": AccessLevel.PRIVATE}),
    )
}
SCHEMA = Schema(
    "Work",
    "works",
    pk="id",
    key=Key(),
    fields=FIELDS,
    to_one={"project": ToOneLink("project", "project_id", "Project")},
    to_many={},
)


def refused(name: str, value: Any) -> str:
    """Return the words in which a field refuses a value."""
    with pytest.raises(MappingError) as caught:
        FIELDS[name].accept("Work", value)
    return str(caught.value)


class TestField:
    def test_takes_what_fits(self) -> None:
        """The value as the codec takes it."""
        assert AccessLevel.PUBLIC is FIELDS["access"].accept("Work", "public")

    def test_a_refusal_starts_with_the_path(self) -> None:
        """It says whose field it was."""
        assert "Work.title: expected text, got int 5" == refused("title", 5)

    def test_none_clears_a_nullable_field(self) -> None:
        """None is a value."""
        assert FIELDS["meta"].accept("Work", None) is None

    def test_none_is_refused_elsewhere(self) -> None:
        """The message says how to leave a field to the backend."""
        assert "Work.title cannot be None; leave it out to keep the backend's default" == refused(
            "title", None
        )

    @pytest.mark.parametrize("name", list(FIELDS))
    def test_absence_is_no_value(self, name: str) -> None:
        """UNSET cannot be assigned to anything."""
        assert refused(name, UNSET)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("token", b"syn_secret"),
            ("token", ["syn_secret"]),
            ("configuration", "syn_secret"),
            ("configuration", {"key": b"syn_secret"}),
            ("configuration", {"syn_secret": {1, 2}}),
        ],
    )
    def test_a_refusal_of_a_secret_does_not_tell_it(self, name: str, value: Any) -> None:
        """Messages end up in logs."""
        words = refused(name, value)

        assert f"Work.{name}: it does not take this {type(value).__name__}" == words

    def test_is_required_without_a_default(self) -> None:
        """But what the backend sets is nobody's duty."""
        assert ["title", "project_id", "token", "configuration"] == [
            name for name, field in FIELDS.items() if field.required
        ]


class TestSchema:
    @pytest.mark.parametrize(
        ("name", "found"),
        [("pk", "id"), ("id", "id"), ("project", "project_id"), ("project_id", "project_id")],
    )
    def test_finds_a_field_by_each_of_its_names(self, name: str, found: str) -> None:
        """The key by `pk`, and a relation's key by the relation."""
        assert found == SCHEMA.field(name).name

    @pytest.mark.parametrize(
        ("name", "nearest"), [("titel", "title"), ("Title", "title"), ("projct", "project"), ("PK", None)]
    )
    def test_names_the_nearest_field(self, name: str, nearest: str | None) -> None:
        """A typo is told before anything is sent."""
        hint = f" (did you mean {nearest!r}?)" if nearest else ""
        with pytest.raises(QueryError) as caught:
            SCHEMA.field(name)

        assert f"Work has no field {name!r}{hint}. Fields: {', '.join(SCHEMA.names)}" == str(caught.value)

    def test_lists_fields_and_relations(self) -> None:
        """Every name that a user may write."""
        assert [*FIELDS, "project"] == SCHEMA.names


class TestDeclaring:
    def test_marks_travel_with_the_attribute(self) -> None:
        """Attrs keeps what the entity is made from."""

        @attrs.define
        class Made:
            """Carry one field of each kind."""

            shown: int
            by_backend: int = read_only()
            hidden: str = read_only(secret=True)
            password: str = secret(default="")
            sent_only: str = write_only(default="")

        marks = [
            [key for key in (READ_ONLY, WRITE_ONLY, SECRET) if each.metadata.get(key)]
            for each in attrs.fields(Made)
        ]
        assert [[], [READ_ONLY], [READ_ONLY, SECRET], [SECRET], [WRITE_ONLY]] == marks

    def test_what_the_backend_sets_is_not_asked_for(self) -> None:
        """It is no argument of the class, and None until it is loaded."""

        @attrs.define
        class Made:
            """Carry a field that is read only."""

            id: int = read_only()

        assert Made().id is None
        assert not attrs.fields(Made).id.init
