"""Where Actions stand in a flow, and how a position is asked for."""

from __future__ import annotations

import pytest

from frontdesk.auth0.action_state import Binding
from frontdesk.auth0.flow import Position, PositionUnknown, arranged
from frontdesk.errors import UsageError


def a_flow(*names: str) -> list[Binding]:
    return [Binding(binding_id=f"b-{name}", display_name=name, action_id=name, title=name) for name in names]


def titles(*flow: str, ours: tuple[str, ...], **choices: object) -> list[str]:
    return [slot.title for slot in arranged(a_flow(*flow), ours, **choices)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        ((), ["x", "y", "z"]),
        (("a",), ["a", "x", "y", "z"]),
        (("a", "y", "b"), ["a", "x", "y", "z", "b"]),
        (("z", "a"), ["x", "y", "z", "a"]),
        (("x", "a"), ["x", "y", "z", "a"]),
        (("z", "y", "x"), ["z", "y", "x"]),
    ],
    ids=["empty", "after others", "around one", "before one", "after one", "kept as somebody ordered it"],
)
def test_without_a_position_the_missing_ones_go_beside_their_neighbours(
    flow: tuple[str, ...], expected: list[str]
) -> None:
    assert titles(*flow, ours=("x", "y", "z")) == expected


def test_with_a_position_all_of_ours_move_there_and_others_keep_their_order() -> None:
    assert titles("y", "a", "x", "b", ours=("x", "y"), position=Position(before="b")) == ["a", "x", "y", "b"]


def test_what_leaves_the_flow_is_no_neighbour() -> None:
    assert titles("old", "a", ours=("x",), gone=("old",)) == ["a", "x"]


def test_a_name_that_two_bindings_have_is_no_place() -> None:
    twice = a_flow("a", "b") + a_flow("a")

    with pytest.raises(PositionUnknown, match="several things are called 'a'"):
        arranged(twice, ("x",), position=Position(after="a"))


@pytest.mark.parametrize("text", ["", "0", "-1", "100", "middle", "before:", "after", "1st"])
def test_a_position_that_is_none_is_a_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="expected first, last"):
        Position.parse(text)
