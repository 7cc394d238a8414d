"""Targets that are no Hasura, another one, or one that changes meanwhile: a sentence each, and nothing changed."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.integration.hasura.deploys import call, copy_of_project, exported
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.faulty_server import FaultyServer
from tests.integration.hasura.migrations import PROJECT
from tests.loopback import LoopbackServer, QuietHandler

from frontdesk.errors import FrontdeskError, HasuraBlocked, HasuraRejected, HasuraUnavailable, UsageError
from frontdesk.hasura.deploy import apply, status
from frontdesk.hasura.project import read_project

Answer = tuple[int, dict[str, str], str]
JSON = {"content-type": "application/json"}
NOT_FOUND: Answer = (404, JSON, '{"path":"$","error":"resource does not exist","code":"not-found"}')


class Target(LoopbackServer):
    """A server whose answers a test chooses, by path and what was asked there; it counts what would have changed it."""

    def __init__(self, answer: Callable[[str, Any], Answer]) -> None:
        self.changes: list[str] = []
        owner = self

        class Handler(QuietHandler):
            def _answer(self) -> None:
                body = json.loads(self.body() or "null")
                kind = (body or {}).get("type", "")
                if kind in ("replace_metadata", "set_catalog_state", "reload_metadata"):
                    owner.changes.append(kind)
                if kind == "run_sql" and not body["args"].get("read_only"):
                    owner.changes.append(kind)
                status, headers, text = answer(self.path, body)
                self.answer(status, headers, text.encode())

            do_GET = do_POST = _answer

        super().__init__(Handler)


def of_version(engine: str, **metadata: Any) -> Callable[[str, Any], Answer]:
    """Answer as a Hasura of a version, with a metadata document."""

    def answer(path: str, body: Any) -> Answer:
        if path == "/v1/version":
            return 200, JSON, json.dumps({"version": engine})
        if (body or {}).get("type") == "export_metadata":
            return 200, JSON, json.dumps({"resource_version": 1, "metadata": metadata})
        return NOT_FOUND

    return answer


def always(status: int, headers: dict[str, str], text: str) -> Callable[[str, Any], Answer]:
    return lambda _path, _body: (status, headers, text)


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (
            always(200, {"content-type": "text/html"}, "<html>"),
            HasuraUnavailable,
            "a web page.*FRONTDESK_HASURA_URL",
        ),
        (
            always(404, {"content-type": "text/html"}, "<html>"),
            HasuraUnavailable,
            "status 404 and a web page",
        ),
        (
            always(302, {"location": "https://login.example.com/?next=a"}, ""),
            HasuraUnavailable,
            "login.example.com,",
        ),
        (always(*NOT_FOUND), HasuraRejected, "resource does not exist.*HASURA_GRAPHQL_ENABLED_APIS"),
        (always(503, {}, "starting"), HasuraUnavailable, "503.*is starting"),
        (of_version("v1.3.3"), HasuraBlocked, r"this Hasura is v1\.3\.3, and frontdesk needs v2"),
        (of_version("v3.0.0"), HasuraBlocked, r"this Hasura is v3\.0\.0"),
        (of_version("v2.48.16", version=2, tables=[]), HasuraBlocked, "of format 2.*update-project-v3"),
        (of_version("v2.48.16", version=1), HasuraBlocked, "of format 1"),
    ],
    ids=[
        "page",
        "no page",
        "redirect",
        "no metadata API",
        "starting",
        "v1",
        "v3",
        "metadata 2",
        "metadata 1",
    ],
)
def test_what_is_no_hasura_of_ours_is_told_and_not_touched(
    answer: Callable[[str, Any], Answer], error: type[FrontdeskError], told: str
) -> None:
    with Target(answer) as target:
        for act in (apply, status):
            with pytest.raises(error, match=told) as refused:
                act(target.url, ADMIN_SECRET, PROJECT)
            assert ADMIN_SECRET not in str(refused.value)

    assert target.changes == []


def test_https_where_http_is_spoken_is_told() -> None:
    with (
        Target(always(*NOT_FOUND)) as target,
        pytest.raises(HasuraUnavailable, match=r"no trusted TLS connection.*FRONTDESK_HASURA_URL"),
    ):
        apply(target.url.replace("http:", "https:"), ADMIN_SECRET, PROJECT)


def test_a_wrong_admin_secret_is_told_with_the_name_of_the_setting(empty_engine: str) -> None:
    with pytest.raises(HasuraRejected, match="FRONTDESK_HASURA_ADMIN_SECRET") as refused:
        apply(empty_engine, "wrong", PROJECT)

    assert refused.value.code == "access-denied"


def test_a_source_that_hasura_cannot_reach_is_told_with_its_reason(empty_engine: str) -> None:
    document = exported(empty_engine)
    url = {"from_env": "A_VARIABLE_THAT_IS_NOT_SET"}
    document["sources"][0]["configuration"] = {"connection_info": {"database_url": url}}
    args = {"allow_inconsistent_metadata": True, "metadata": document}
    call(empty_engine, "replace_metadata", args, version=2)

    with pytest.raises(
        HasuraBlocked, match=r"source default: Hasura cannot use it: .*A_VARIABLE_THAT_IS_NOT_SET"
    ):
        apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert exported(empty_engine) == document


class Between:
    """Stands before an engine and changes its metadata, as somebody else, right before ours is stored."""

    def __init__(self, engine: str, times: int) -> None:
        self._engine, self._left = engine, times

    def __call__(self, path: str, body: Any) -> Answer:
        if (body or {}).get("type") == "replace_metadata" and self._left:
            self._left -= 1
            self._forward("/v1/metadata", self._collection(str(self._left)))
        return self._forward(path, body)

    def _forward(self, path: str, body: Any) -> Answer:
        answer = requests.request(
            "GET" if body is None else "POST",
            self._engine + path,
            json=body,
            headers={"x-hasura-admin-secret": ADMIN_SECRET},
            timeout=30,
        )
        return answer.status_code, JSON, answer.text

    def _collection(self, name: str) -> dict[str, Any]:
        args = {"name": f"theirs_{name}", "definition": {"queries": []}}
        return {"type": "create_query_collection", "args": args}


def test_a_change_of_somebody_else_in_between_is_kept(empty_engine: str) -> None:
    with Target(Between(empty_engine, times=1)) as target:
        applied = apply(target.url, ADMIN_SECRET, PROJECT)

    assert applied.metadata
    assert [each["name"] for each in exported(empty_engine)["query_collections"]] == ["theirs_0"]
    assert status(empty_engine, ADMIN_SECRET, PROJECT).is_current


def test_changes_that_do_not_end_are_told_and_kept(empty_engine: str) -> None:
    with (
        Target(Between(empty_engine, times=2)) as target,
        pytest.raises(HasuraRejected, match="somebody else is changing Hasura's metadata"),
    ):
        apply(target.url, ADMIN_SECRET, PROJECT)

    assert len(exported(empty_engine)["query_collections"]) == 2
    assert apply(empty_engine, ADMIN_SECRET, PROJECT).metadata


def test_a_connection_that_ends_in_the_middle_is_no_answer() -> None:
    with (
        FaultyServer(lambda connection, _over: connection.close()) as server,
        pytest.raises(HasuraUnavailable, match="no answer of Hasura"),
    ):
        apply(server.url, ADMIN_SECRET, PROJECT)


def without_migrations(project: Path) -> None:
    (project / "migrations" / "default").rename(project / "elsewhere")


def with_an_empty_migration(project: Path) -> None:
    (project / "migrations" / "default" / "1999999999999_say_nothing").mkdir()


def with_a_version_twice(project: Path) -> None:
    first = sorted((project / "migrations" / "default").iterdir())[0]
    (first.parent / f"{first.name}_again").mkdir()
    (first.parent / f"{first.name}_again" / "up.sql").write_text("select 1")


def with_two_sources(project: Path) -> None:
    with (project / "metadata" / "databases" / "databases.yaml").open("a") as file:
        file.write("- name: second\n  kind: postgres\n  tables: []\n")


def without_anything(project: Path) -> None:
    project.rename(project.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_migrations, "there are no migrations for the source 'default'"),
        (with_an_empty_migration, r"say_nothing: has neither up\.sql nor down\.sql"),
        (with_a_version_twice, "has the version of"),
        (with_two_sources, "expected a project with one source, got 2"),
        (without_anything, "there is no project; name its directory with --project"),
    ],
)
def test_half_a_project_is_told_with_what_is_missing(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    project = copy_of_project(tmp_path)
    spoil(project)

    with pytest.raises(UsageError, match=told):
        read_project(project)


def test_tls_of_somebody_unknown_is_not_trusted() -> None:
    """The other end speaks TLS, but nobody vouches for it: a context without a certificate shakes no hands."""

    def refuse(connection: Any, _over: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with pytest.raises(ssl.SSLError), context.wrap_socket(connection, server_side=True):
            pass

    with (
        FaultyServer(refuse) as server,
        pytest.raises(HasuraUnavailable, match="no trusted TLS connection"),
    ):
        apply(server.url.replace("http:", "https:"), ADMIN_SECRET, PROJECT)
