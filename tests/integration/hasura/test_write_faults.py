"""What the writer does when Hasura is down, slow, wrong or says no."""

from __future__ import annotations

import socket
import threading
import time
import traceback

import pytest
from tests.integration.hasura.faulty_server import (
    Behaviour,
    FaultyServer,
    answer,
    drips,
    graphql_error,
    hangs,
    read_request,
    refuses,
    resets,
    says,
    written,
)
from tests.integration.hasura.histories import login

from frontdesk.errors import HasuraError, HasuraRejected, HasuraUnavailable
from frontdesk.hasura.writes import UserWriter

SECRET = "the-admin-secret"
BUDGET_S = 0.4
SLACK_S = 0.4  # a busy machine; far below what a wait without a limit would take
OK = written("auth0|ann")


def attempt(url: str, budget_s: float = BUDGET_S) -> HasuraError:
    """Write one login to a server that cannot take it, and return the error."""
    writer = UserWriter(url, SECRET)
    begin = time.monotonic()
    try:
        with pytest.raises(HasuraError) as failure:
            writer.write(login(1), budget_s=budget_s)
    finally:
        writer.close()
    assert time.monotonic() - begin < budget_s + SLACK_S
    return failure.value


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs, id="hangs"),
        pytest.param(resets, id="resets"),
        pytest.param(drips(answer(OK), 0.02), id="drips headers"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b" " * 99, 0.02), id="drips body"),
        pytest.param(says("<html>login</html>"), id="HTML with status 200"),
        pytest.param(says("<html>bad gateway</html>", "502 Bad Gateway"), id="HTML with status 502"),
        pytest.param(says(OK, "500 Internal Server Error"), id="status 500 with a good body"),
        pytest.param(says(graphql_error("unexpected", "x", "$"), "503 Unavailable"), id="status 503 with an error"),
        pytest.param(says("", "302 Found", "Location: http://127.0.0.1:9/"), id="redirect"),
        pytest.param(says(OK[:40]), id="half a document"),
        pytest.param(says(OK, length=len(OK) + 100), id="half an answer"),
        pytest.param(says(b"\xff\xfe\x00"), id="no text"),
        pytest.param(says(b"{\"data\": " + b" " * 5_000_000 + b"{}}"), id="five megabytes"),
        pytest.param(says("[]"), id="a list"),
        pytest.param(says("5"), id="a number"),
        pytest.param(says('"data"'), id="a string"),
        pytest.param(says("{}"), id="an empty object"),
        pytest.param(says('{"data": null}'), id="null data"),
        pytest.param(says('{"data": {}}'), id="empty data"),
        pytest.param(says('{"errors": []}'), id="no errors in errors"),
        pytest.param(says('{"errors": {"message": "x"}}'), id="errors that are no list"),
        pytest.param(says('{"errors": [5]}'), id="an error that is no object"),
        pytest.param(says('{"errors": [{"message": "x"}]}'), id="an error without a code"),
        pytest.param(says(written()), id="no row given back"),
        pytest.param(says(written("auth0|bob")), id="another row given back"),
        pytest.param(says(written("auth0|ann", blocked="no")), id="blocked is no boolean"),
        pytest.param(says(written("auth0|ann", deletedAt="soon")), id="deletedAt is no time"),
        pytest.param(says("not http at all", length=0), id="more than announced"),
        pytest.param(refuses("postgres-error"), id="the database is away"),
        pytest.param(refuses("postgres-max-connections-error"), id="the database is full"),
        pytest.param(refuses("timeout"), id="the operation timed out"),
    ],
)  # fmt: skip
def test_no_usable_answer_is_unavailable_within_the_budget(behaviour: Behaviour) -> None:
    with FaultyServer(behaviour) as server:
        error = attempt(server.url)

    assert isinstance(error, HasuraUnavailable)


def test_a_server_that_is_not_there_is_unavailable(unused_port: int) -> None:
    error = attempt(f"http://127.0.0.1:{unused_port}")

    assert isinstance(error, HasuraUnavailable)
    assert error.detail == "no connection to Hasura; look whether it runs, and check `[hasura] url`"


def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    assert isinstance(attempt("http://hasura.invalid:8080", budget_s=1.0), HasuraUnavailable)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("permission-error", "$.selectionSet.insert_users.args.objects"),
        ("validation-failed", "$.selectionSet.insert_users.args.objects[0].clocks"),
        ("constraint-violation", "$.selectionSet.insert_users.args.objects"),
        ("data-exception", "$.selectionSet.insert_users.args.objects"),
        ("access-denied", "$"),
        ("unexpected", "$"),
    ],
)
def test_a_refusal_tells_hasuras_code_and_path(code: str, path: str) -> None:
    with FaultyServer(refuses(code, "no", path)) as server:
        error = attempt(server.url)

    assert isinstance(error, HasuraRejected)
    assert (error.code, error.path) == (code, path)


@pytest.mark.parametrize(
    "behaviour",
    [
        refuses("data-exception", 'invalid input syntax for type uuid: "ann@example.com"'),
        says("<html>ann@example.com</html>"),
        says("ann@example.com", "500 Internal Server Error"),
        says('{"data": {"insert_users": {"returning": [{"userId": "ann@example.com"}]}}}'),
        says('{"errors": [{"message": "ann@example.com"}]}'),
        hangs,
    ],
)
def test_no_error_repeats_a_secret_or_a_value(behaviour: Behaviour) -> None:
    with FaultyServer(behaviour) as server:
        error = attempt(server.url)

    told = "".join(traceback.format_exception(error))
    assert "ann@example.com" not in told
    assert SECRET not in told


def test_a_connection_that_hasura_closed_while_idle_costs_nobody_a_login() -> None:
    def serve_once(connection: socket.socket, _over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(answer(OK))
        read_request(connection)  # the second request of a kept-alive connection: closed without a word

    with FaultyServer(serve_once) as server:
        writer = UserWriter(server.url, SECRET)
        writer.write(login(1), budget_s=5)
        writer.write(login(2), budget_s=5)
        writer.close()

        assert server.connections == 2


def test_a_server_that_always_closes_is_asked_twice_and_no_more() -> None:
    with FaultyServer(resets) as server:
        attempt(server.url)

        assert server.connections == 2


def test_one_connection_is_kept_for_one_write_after_another() -> None:
    with FaultyServer(says(OK)) as server:
        writer = UserWriter(server.url, SECRET)
        for minute in range(5):
            writer.write(login(minute), budget_s=5)
        writer.close()

        assert server.connections == 1


def test_a_write_is_sent_as_the_least_privileged_role() -> None:
    requests: list[bytes] = []

    def record(connection: socket.socket, _over: threading.Event) -> None:
        requests.append(read_request(connection))
        connection.sendall(answer(OK))

    with FaultyServer(record) as server:
        writer = UserWriter(server.url, SECRET)
        writer.write(login(1, tenant="acme"), budget_s=5)
        writer.close()

    headers = requests[0].lower()
    assert headers.startswith(b"post /v1/graphql http/1.1")
    assert b"x-hasura-role: frontdesk\r\n" in headers
    assert b"x-hasura-use-backend-only-permissions: true\r\n" in headers
    assert b"x-hasura-tenant: acme\r\n" in headers
    assert b"x-hasura-admin-secret: the-admin-secret\r\n" in headers
