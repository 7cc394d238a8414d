"""The doctor's verdict on every token of the conformance kit's JWT cases, which come from the engine's own suite."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor import Verdict, diagnose, engine_with

KIT = Path(__file__).resolve().parents[4] / "shared" / "conformance"
CASES = KIT / "jwt_cases.yaml"

pytestmark = pytest.mark.skipif(not CASES.is_file(), reason="the conformance kit is not beside the project")


def runner() -> ModuleType:
    """Return the kit's own runner, which knows how a case becomes a token."""
    spec = importlib.util.spec_from_file_location("conformance_kit_run", KIT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


@pytest.fixture(scope="module")
def suite() -> Any:
    return runner().JwtSuite(CASES)


def judged_by_the_token(case: dict[str, Any]) -> bool:
    """Whether a token alone decides: not the admin secret, and not another use of the header."""
    return "admin_secret" not in case and "send" not in case


def cases(suite: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for config in suite.configs():
        for case in suite.cases(config):
            if judged_by_the_token(case):
                yield f"{config['name']} :: {case['name']}", config, case


def told(suite: Any, config: dict[str, Any], case: dict[str, Any]) -> str | None:
    """Return how the doctor's diagnosis differs from what is expected; None when it does not."""
    engine = engine_with(JwtConfig.parse(suite.secret(config)), "the kit")
    role = case.get("role", suite.doc["probe"].get("role"))
    found = diagnose(suite.token(config, case), engine, now=time.time(), role=role)
    expect = case["expect"]
    if isinstance(expect, str):
        return None if found.verdict is not Verdict.REFUSED else f"refused: {found.refusal}"
    if found.refusal is None or found.refusal.code != expect["code"]:
        return f"expected {expect['code']}, found {found.refusal}"
    messages = expect.get("message", found.refusal.message)
    return (
        None if found.refusal.message in messages else f"expected {messages}, found {found.refusal.message}"
    )


def test_the_doctor_agrees_with_every_case_of_the_kit(suite: Any) -> None:
    every = list(cases(suite))

    differences = {name: told(suite, config, case) for name, config, case in every}

    assert len(every) > 80
    assert {name: found for name, found in differences.items() if found is not None} == {}
