"""The stand-in shares no code with what it stands beside, and reads the environment in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import localhasura

_ROOT = Path(localhasura.__file__).parent
_MODULES = sorted(_ROOT.rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", _MODULES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_a_module_imports_nothing_of_the_product(module: Path) -> None:
    names = imported(ast.parse(module.read_text()))

    assert not names & {"frontdesk", "localauth0"}
    assert "os" not in names or module.name == "config.py"
