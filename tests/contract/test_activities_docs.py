"""The table of activities in the documents is the one of the code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from frontdesk.identity import Activity
from frontdesk.identity.log_codes import ACTIVITIES, API_OPERATION, EVENTS, REASONS, words

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "activities.md"


def expected_rows() -> Iterator[str]:
    """Give the rows of the table: an activity, what reports it, and what of that counts."""
    for word in words():
        codes = [code for code, of in ACTIVITIES.items() if of == word]
        events = [kind for kind, (of, _) in EVENTS.items() if of == word]
        counted = [*codes, *(kind for kind in events if EVENTS[kind][1])]
        if word == API_OPERATION:
            counts = "all but the creation and the deletion of a user"
        else:
            counts = "yes" if counted == codes + events else "the codes"
        yield f"| {word} | {listed(codes)} | {listed(events)} | {counts} |"


def listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def test_the_table_is_that_of_the_code() -> None:
    _, _, rest = PAGE.read_text().partition(
        "| activity | codes | events | counts |\n| --- | --- | --- | --- |\n"
    )

    assert rest.partition("\n\n")[0].splitlines() == list(expected_rows())


def test_every_reason_of_ours_is_told() -> None:
    page = PAGE.read_text()

    for code, reason in REASONS.items():
        assert f"| `{code}` | {reason} |" in page


def test_every_column_stands_beside_the_names_of_others() -> None:
    page = PAGE.read_text()

    for field in fields(Activity):
        assert f"| `{field.name}` | " in page
