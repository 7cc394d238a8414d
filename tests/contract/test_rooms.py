"""The rooms of backend/frontdesk and what each may use (docs/architecture.md, "Rooms")."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2] / "backend"
# A room uses rooms of a lower number. Two of the same number are side by side, and use each other not at all.
RANKS = {
    "cli": 7,
    "demo": 6,
    "web": 5,
    "jobs": 5,
    "sync": 4,
    "auth0": 3,
    "hasura": 3,
    "store": 3,
    "settings": 2,
    "identity": 1,
    "answers": 0,
    "logs": 0,
    "plans": 0,
    "request_ids": 0,
    "shipped": 0,
    "errors": 0,
}
STAND_INS = ("localhasura", "localauth0")
# What a pure domain needs of the standard library; none of it does I/O.
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "json",
    "re",
    "types",
    "typing",
    "unicodedata",
}


def imports_of(source: str) -> Iterator[str]:
    """Give every module that a source imports, wherever in it, by its dotted name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from frontdesk.cli import actions` imports a module of the room.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str | None:
    """Return the room of a dotted name below frontdesk; None for the top of the package and for other packages."""
    parts = module.split(".")
    if parts[0] != "frontdesk" or len(parts) < 2 or parts[1].startswith("__"):
        return None
    return "settings" if parts[1].startswith("settings") else parts[1]


def breaches(room: str, source: str) -> list[str]:
    """Return what a source in `room` imports and may not."""
    used = {(module, room_of(module)) for module in imports_of(source)}
    return sorted(
        module
        for module, other in used
        if other is not None and other != room and RANKS[other] >= RANKS[room]
    )


def sources(package: str) -> list[Path]:
    return sorted((BACKEND / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(BACKEND).with_suffix("").parts)


@pytest.mark.parametrize("path", sources("frontdesk"), ids=module_of)
def test_a_module_uses_only_rooms_below_its_own(path: Path) -> None:
    room = room_of(module_of(path))
    if room is None:
        assert path.name in {"__init__.py", "__main__.py"}
        return

    assert room in RANKS, f"{room}/ is a new room: give it a place in docs/architecture.md and here"
    assert breaches(room, path.read_text()) == []


@pytest.mark.parametrize("path", sources("frontdesk/identity"), ids=module_of)
def test_the_domain_does_no_io(path: Path) -> None:
    foreign = {module.split(".")[0] for module in imports_of(path.read_text())} - {"frontdesk"}

    assert foreign <= PURE


@pytest.mark.parametrize("path", sources("frontdesk"), ids=module_of)
def test_only_the_demo_knows_the_stand_ins(path: Path) -> None:
    used = {module.split(".")[0] for module in imports_of(path.read_text())} & set(STAND_INS)

    assert not used or room_of(module_of(path)) == "demo"


@pytest.mark.parametrize("path", [path for name in STAND_INS for path in sources(name)], ids=module_of)
def test_a_stand_in_knows_neither_frontdesk_nor_the_other_one(path: Path) -> None:
    own = module_of(path).split(".")[0]

    used = {module.split(".")[0] for module in imports_of(path.read_text())}
    assert not used & ({"frontdesk", *STAND_INS} - {own})


def test_a_breach_is_seen_wherever_it_stands() -> None:
    source = "def late():\n    from frontdesk.sync import check_in\n    import frontdesk.hasura.writes\n"

    assert breaches("auth0", source) == ["frontdesk.hasura.writes", "frontdesk.sync.check_in"]
    assert breaches("web", source) == []


def test_the_pure_modules_are_of_the_standard_library() -> None:
    assert PURE - {"__future__"} <= set(sys.stdlib_module_names)
