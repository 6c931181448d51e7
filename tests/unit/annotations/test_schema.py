"""The tools and classes of a project's configuration."""

from __future__ import annotations

from typing import Any

import pytest

from synapse.annotations import LabelClass, Tool, classes_of, tools_of
from synapse.annotations.schema import Attribute


def configuration(**tools: list[Any]) -> dict[str, Any]:
    """Make a configuration as projects have it."""
    return {
        "schema_type": "dm_schema",
        "classification": {name: {"classification_schema": classes} for name, classes in tools.items()},
    }


class TestToolsOf:
    def test_gives_each_tool_with_its_classes(self) -> None:
        """A class has its code, the name that people see, and its colour."""
        entry = {
            "id": "u",
            "code": "stop",
            "name": "정지",
            "value": "#ff0000",
            "is_default": True,
            "attributes": [],
        }

        found = tools_of(configuration(bounding_box=[entry], polygon=[]))

        stop = LabelClass("stop", "정지", color="#ff0000", is_default=True)
        assert {"bounding_box": Tool("bounding_box", (stop,)), "polygon": Tool("polygon")} == found

    @pytest.mark.parametrize(
        "given",
        [
            None,
            [],
            {},
            {"classification": []},
            {"classification": {"polygon": []}},
            {"schema_type": "json_schema"},
        ],
    )
    def test_is_empty_where_there_is_no_configuration(self, given: Any) -> None:
        """A project may have none, or one of another form."""
        assert {} == tools_of(given)

    @pytest.mark.parametrize("entry", [None, 3, {}, {"code": ""}, {"code": 3}])
    def test_leaves_out_what_is_no_class(self, entry: Any) -> None:
        """A class without a code can't be named by an annotation."""
        assert Tool("polygon") == tools_of(configuration(polygon=[entry]))["polygon"]

    @pytest.mark.parametrize(
        ("attributes", "expected"),
        [
            ([], None),
            ([{"code": "color", "name": "Color"}], (Attribute("color"),)),
            ([{"name": "color", "options": ["red", "blue"]}], (Attribute("color", ("red", "blue")),)),
            (
                [{"code": "color", "options": [{"code": "red"}, {"name": "blue"}]}],
                (Attribute("color", ("red", "blue")),),
            ),
            ([{"code": "color", "options": [3]}], (Attribute("color"),)),
            ([{"code": "color"}, {"unknown": 1}], None),
            ("color", None),
        ],
    )
    def test_reads_attributes_as_far_as_their_form_is_known(self, attributes: Any, expected: Any) -> None:
        """Where one attribute can't be read, any may be given."""
        tools = tools_of(configuration(polygon=[{"code": "a", "attributes": attributes}]))

        assert expected == tools["polygon"].classes[0].attributes

    def test_takes_any_attribute_where_there_are_custom_fields(self) -> None:
        """Custom fields may be attributes as well."""
        entry = {"code": "a", "attributes": [{"code": "b"}], "customFields": {"c": {}}}

        assert tools_of(configuration(polygon=[entry]))["polygon"].classes[0].attributes is None


def test_classes_stand_in_the_order_of_the_configuration() -> None:
    """A class of two tools is listed once, where it comes first."""
    given = configuration(polygon=[{"code": "b"}, {"code": "a"}], bounding_box=[{"code": "a"}, {"code": "c"}])

    assert ("b", "a", "c") == classes_of(given)
