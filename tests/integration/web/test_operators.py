"""The guard over `/api` and `/metrics`: every route of the application's map, and paths that lead to none."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from flask import Flask
from tests.builders import OPERATOR_TOKEN, an_environment
from tests.integration.web.conftest import TIMEOUT_S, StartDesk

from frontdesk.settings import load_settings
from frontdesk.web.app import create_app

METHODS = ("GET", "POST", "DELETE", "OPTIONS")
WRONG = [
    None,
    "",
    f"Bearer {OPERATOR_TOKEN}x",
    f"bearer {OPERATOR_TOKEN}",
    f"Basic {OPERATOR_TOKEN}",
    "Bearer é",
]


def an_app(tmp_path: Path, **changes: str) -> Flask:
    return create_app(load_settings(an_environment(**changes), tmp_path))


def paths_of(app: Flask) -> dict[str, list[str]]:
    """Return a path for every rule of the application, for operators and for everybody."""
    paths: dict[str, list[str]] = {"operators": [], "everybody": []}
    for rule in app.url_map.iter_rules():
        path = rule.build(dict.fromkeys(rule.arguments, "1"))[1]  # type: ignore[index]
        first = path.split("/")[1]
        paths["operators" if first in {"api", "metrics"} else "everybody"].append(path)
    return paths


def test_without_a_token_no_route_of_operators_is_there(tmp_path: Path) -> None:
    app = an_app(tmp_path)

    for path in [*paths_of(app)["operators"], "/api", "/api/", "/api/unknown", "/metrics/"]:
        for method in METHODS:
            answer = app.test_client().open(
                path, method=method, headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}
            )
            assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), path


@pytest.mark.parametrize("authorization", WRONG)
def test_every_route_of_operators_refuses_whoever_is_none(tmp_path: Path, authorization: str | None) -> None:
    app = an_app(tmp_path, OPERATOR_TOKEN=OPERATOR_TOKEN)
    headers = {} if authorization is None else {"Authorization": authorization}
    paths = paths_of(app)["operators"]
    assert {"/api/jwt-secret", "/metrics"} <= set(paths)

    for path in [*paths, "/api", "/api/unknown"]:
        for method in METHODS:
            answer = app.test_client().open(path, method=method, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.content_type == "application/problem+json"


def test_the_token_opens_routes_of_operators_and_is_needed_nowhere_else(tmp_path: Path) -> None:
    app = an_app(tmp_path, OPERATOR_TOKEN=OPERATOR_TOKEN)
    token = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}

    for path in paths_of(app)["operators"]:
        assert app.test_client().open(path, method="TRACE", headers=token).status_code == 405
    for path in paths_of(app)["everybody"]:
        assert app.test_client().open(path, method="TRACE").status_code == 405
    assert app.test_client().get("/api/unknown", headers=token).status_code == 404


@pytest.mark.parametrize("path", ["/%61pi/jwt-secret", "/api%2Fjwt-secret", "/me%74rics"])
def test_an_escaped_path_does_not_pass_the_guard(start_desk: StartDesk, path: str) -> None:
    desk = start_desk(OPERATOR_TOKEN=OPERATOR_TOKEN)

    assert requests.post(desk.url + path, json={}, timeout=TIMEOUT_S).status_code == 401
