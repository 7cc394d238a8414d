"""Plans of operations: which values they fit, what they keep of a request, and how much is kept."""

from __future__ import annotations

from typing import Any

import pytest
from graphql.language import NamedTypeNode, NameNode

from localhasura.boolexp import BoundVariable, SessionVariable
from localhasura.catalog import PgType
from localhasura.schema.values import NULL, Given, Variable, Variables
from localhasura.sql.builder import Session, Statement
from localhasura.sql.plans import (
    MAX_CHARACTERS,
    MAX_DOCUMENTS,
    MAX_PLAN_CHARACTERS,
    MAX_PLANS_PER_DOCUMENT,
    PlanCache,
)
from localhasura.sql.shapes import shape_of
from localhasura.sql.steps import Compiled, Known, Read, Run, Step

TEXT = PgType("text", "text")
SESSION = Session("user", {"x-hasura-user-id": "u1"})
REQUEST = ("mutation", None)


def part(*steps: str | int, nullable: bool = True) -> BoundVariable:
    return BoundVariable("row", TEXT, steps, nullable)


@pytest.mark.parametrize(
    ("made_for", "bound", "fits", "refuses"),
    [
        (
            {"a": "x"},
            [part("a")],
            [{"a": "y"}, {"a": None}, {"a": {"b": 1}}],
            [{}, {"b": "x"}, None, [], "x"],
        ),
        ({"a": "x"}, [part("a", nullable=False)], [{"a": "y"}], [{"a": None}]),
        ({"a": "x", "b": 1}, [part("a")], [{"a": "y", "b": 1}], [{"b": 1, "a": "y"}, {"a": "y", "b": 2}]),
        (
            {"a": "x", "b": 1},
            [part("a")],
            [],
            [{"a": "x", "b": True}, {"a": "x", "b": "1"}, {"a": "x", "b": None}],
        ),
        ([{"a": "x"}], [part(0, "a")], [[{"a": "y"}]], [[], [{"a": "y"}, {"a": "z"}], {"a": "y"}]),
        ("x", [part()], ["y", 5, ["z"]], [None]),
        ({"a": {"b": "x"}}, [part("a"), part("a", "b")], [{"a": 1}], [{}]),
        ({"a": [1, 2]}, [], [{"a": [1, 2]}], [{"a": [2, 1]}, {"a": [1, 2, 3]}, {}]),
    ],
)
def test_a_shape_leaves_operands_open_and_nothing_else(
    made_for: Any, bound: list[BoundVariable], fits: list[Any], refuses: list[Any]
) -> None:
    shape = shape_of(made_for, bound)

    assert shape.fits(made_for)
    assert [value for value in fits if not shape.fits(value)] == []
    assert [value for value in refuses if shape.fits(value)] == []


def compiled(*operands: BoundVariable, text: str = "SELECT") -> Compiled:
    preset = {len(operands): SessionVariable("x-hasura-user-id")}
    parameters: list[str | None] = [*["a secret"] * len(operands), "u0"]
    return Compiled((("key", Read(Statement(text, parameters, {**dict(enumerate(operands)), **preset}))),))


def kept(operation: Compiled, variables: Variables, given: Any) -> PlanCache:
    cache = PlanCache()
    cache.keep(REQUEST, given, variables, operation)
    return cache


def operand(variables: Variables, *steps: str | int) -> BoundVariable:
    return variables.bind(Given(None, "row", steps), TEXT, nullable=True)


def parameters_of(found: Compiled | None) -> list[list[str | None]]:
    assert found is not None
    return [statement.parameters for statement in found.statements() or ()]


def test_a_plan_is_filled_with_the_values_of_request_and_session() -> None:
    variables = Variables({})
    cache = kept(compiled(operand(variables, "a")), variables, {"row": {"a": "a secret"}})

    assert parameters_of(cache.find(REQUEST, {"row": {"a": "mine"}}, SESSION)) == [["mine", "u1"]]
    assert parameters_of(cache.find(REQUEST, {"row": {"a": None}}, SESSION)) == [[None, "u1"]]
    assert cache.find(REQUEST, {"row": {"a": 5}}, SESSION) is None
    assert cache.find(REQUEST, {"row": {"a": "mine"}}, Session("user")) is None
    assert cache.find(("other", None), {"row": {"a": "mine"}}, SESSION) is None


def test_a_plan_keeps_nobodys_values() -> None:
    variables = Variables({})
    cache = kept(compiled(operand(variables, "a")), variables, {"row": {"a": "a secret"}})

    assert "a secret" not in repr(cache.__dict__)


def test_an_operand_that_no_statement_has_must_be_valid_all_the_same() -> None:
    variables = Variables({})
    operand(variables, "unused")
    cache = kept(compiled(operand(variables, "a")), variables, {"row": {"a": "x", "unused": "y"}})

    assert cache.find(REQUEST, {"row": {"a": "x", "unused": "z"}}, SESSION) is not None
    assert cache.find(REQUEST, {"row": {"a": "x", "unused": 5}}, SESSION) is None


def test_a_variable_that_was_read_as_a_whole_is_fixed() -> None:
    declared = Variable("row", NamedTypeNode(name=NameNode(value="jsonb")), NULL, has_default=False)
    variables = Variables({"row": declared})
    operand(variables, "a")
    bound = variables.bound
    variables.look_at_all()

    assert (len(bound), variables.bound) == (1, set())


class Unknown(Step):
    """A step whose statements come about in the run."""

    def run(self, run: Run) -> str:
        return "null"


@pytest.mark.parametrize(
    "operation",
    [
        Compiled((("key", Unknown()),)),
        Compiled((("key", Known("1")), ("nested", Unknown()))),
        Compiled((("key", Known("x" * (MAX_PLAN_CHARACTERS + 1))),)),
        compiled(text="x" * (MAX_PLAN_CHARACTERS + 1)),
    ],
)
def test_what_is_half_known_or_very_large_is_not_kept(operation: Compiled) -> None:
    assert kept(operation, Variables({}), {}).find(REQUEST, {}, SESSION) is None


def test_the_shapes_and_documents_used_least_recently_go() -> None:
    cache, variables = PlanCache(), Variables({})
    for number in range(MAX_PLANS_PER_DOCUMENT + 1):
        cache.keep(REQUEST, {"row": number}, variables, compiled())
        assert cache.find(REQUEST, {"row": 0}, SESSION) is not None
    assert cache.find(REQUEST, {"row": 1}, SESSION) is None
    for number in range(MAX_DOCUMENTS - 1):
        cache.keep((f"other {number}", None), {}, variables, compiled())
    assert cache.find(REQUEST, {"row": 0}, SESSION) is not None
    cache.keep(("one more", None), {}, variables, compiled())

    assert cache.find(REQUEST, {"row": 0}, SESSION) is not None
    assert cache.find(("other 0", None), {}, SESSION) is None


def test_all_plans_together_have_a_limit() -> None:
    cache = PlanCache()
    for number in range(2 * MAX_CHARACTERS // MAX_PLAN_CHARACTERS):
        cache.keep(
            (f"document {number}", None), {}, Variables({}), compiled(text="x" * (MAX_PLAN_CHARACTERS - 100))
        )
        assert cache.size <= MAX_CHARACTERS

    assert cache.size > MAX_CHARACTERS // 2
    assert cache.find(("document 0", None), {}, SESSION) is None


def test_a_plan_that_is_compiled_again_takes_its_own_place() -> None:
    cache = PlanCache()
    for _ in range(3):
        cache.keep(REQUEST, {}, Variables({}), compiled())

    assert cache.size == kept(compiled(), Variables({}), {}).size
