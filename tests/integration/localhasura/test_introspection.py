"""What `__schema` and `__type` tell, and what they refuse to be asked."""

from __future__ import annotations

import pytest
from tests.integration.localhasura.client import Client

FAILED = "validation-failed"


def test_a_column_that_refers_to_an_enum_table_has_an_enum_for_its_type(gallery: Client) -> None:
    data = gallery.data(
        """{__type(name: "colour_enum") {kind enumValues {name description}}
            painting: __type(name: "painting") {fields {name type {name kind}}}}"""
    )

    assert data["__type"] == {
        "kind": "ENUM",
        "enumValues": [{"name": "blue", "description": None}, {"name": "red", "description": "warm"}],
    }
    assert {"name": "colour", "type": {"name": "colour_enum", "kind": "ENUM"}} in data["painting"]["fields"]


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ("{__schema}", "__schema.selectionSet", "missing selection set for '__Schema'"),
        ("{__schema {foo}}", "__schema.selectionSet.foo", "field 'foo' not found in type: '__Schema'"),
        (
            "{__schema {...F}} fragment F on __Schema {types {bar}}",
            "__schema.selectionSet.types.selectionSet.bar",
            "field 'bar' not found in type: '__Type'",
        ),
        (
            "{__schema {types}}",
            "__schema.selectionSet.types.selectionSet",
            "missing selection set for '__Type'",
        ),
        (
            "{__schema {queryType {name {x}}}}",
            "__schema.selectionSet.queryType.selectionSet.name",
            "unexpected subselection set for non-object field",
        ),
        ("{__type {name}}", "__type.args.name", "missing required field 'name'"),
        (
            "{__type(name: 5) {name}}",
            "__type.args.name",
            "expected a string for type 'String', but found an integer",
        ),
        ('{__schema(name: "x") {types {name}}}', "__schema", "'__schema' has no argument named 'name'"),
        (
            "{painter {__schema {types {name}}}}",
            "painter.selectionSet.__schema",
            "field '__schema' not found in type: 'painter'",
        ),
        (
            "mutation {__schema {types {name}}}",
            "__schema",
            "field '__schema' not found in type: 'mutation_root'",
        ),
    ],
)
def test_what_introspection_does_not_have_is_refused(
    gallery: Client, query: str, path: str, message: str
) -> None:
    assert gallery.error(query) == (FAILED, f"$.selectionSet.{path}", message)


def test_unknown_types_are_null_and_comments_are_descriptions(gallery: Client) -> None:
    data = gallery.data(
        """{nothing: __type(name: "nothing") {name}
            painter: __type(name: "painter") {description fields {name description}}}"""
    )

    assert data["nothing"] is None
    assert data["painter"]["description"] == "who paints"
    assert {"name": "name", "description": "as signed"} in data["painter"]["fields"]
    assert {"name": "pupils", "description": "An array relationship"} in data["painter"]["fields"]
