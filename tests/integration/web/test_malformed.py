"""Requests that are no HTTP get a problem document too, and nothing of them is repeated."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from tests.integration.web.fake_hasura import running_fake_hasura
from tests.integration.web.test_serve import Service, services
from tests.redaction import leaks_in_files

HEAD = b"POST /hooks/default/post-login HTTP/1.1\r\nHost: desk\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def answer_to(service: Service, request: bytes) -> tuple[int, str, dict[str, object]]:
    """Send bytes and return the status, the content type and the problem of the answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while received := connection.recv(65536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert int(headers["content-length"]) == len(body)
    return int(status.split()[1]), headers["content-type"], json.loads(body)


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, b"the-secret-of-somebody\r\n\r\n"),
        (400, HEAD + b"the-secret-of-somebody : x\r\n\r\n"),
        (400, HEAD + b"Content-Length: the-secret-of-somebody\r\n\r\n"),
        (400, HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (414, b"GET /the-secret-of-somebody" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n"),
        (417, HEAD + b"Expect: the-secret-of-somebody\r\nContent-Length: 0\r\n\r\n"),
        (431, HEAD + b"X-Long: the-secret-of-somebody" + b"a" * 9000 + b"\r\n\r\n"),
        (400, CHUNKED + b"the-secret-of-somebody\r\nabc"),
        (400, CHUNKED + b"5\r\nabcdethe-secret-of-somebody"),
        (400, CHUNKED + b"-5\r\nabc"),
        (400, CHUNKED + b"3\r\nabc\r\n0\r\nthe-secret-of-somebody\r\n\r\n"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_is_no_http_gets_a_problem_document_and_is_not_repeated(
    shared_service: Service, status: int, request_: bytes
) -> None:
    found, content_type, problem = answer_to(shared_service, request_)

    assert (found, content_type) == (status, "application/problem+json")
    assert problem["status"] == status
    assert any(entry.get("request_id") == problem["request_id"] for entry in shared_service.log)
    assert not any(entry["level"] == "error" for entry in shared_service.log)
    assert "the-secret-of-somebody" not in json.dumps(problem) + shared_service.log_file.read_text()


def test_a_target_that_is_no_url_is_not_there(shared_service: Service) -> None:
    found, content_type, _ = answer_to(
        shared_service, b"GET //[ HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n"
    )

    assert (found, content_type) == (404, "application/problem+json")
    assert not any(entry["level"] == "error" for entry in shared_service.log)


def test_headers_of_a_proxy_neither_refuse_nor_change_a_request(shared_service: Service) -> None:
    forged = (
        b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\nScript-Name: /hooks\r\nSCRIPT_NAME: /hooks\r\n"
    )

    status, _, problem = answer_to(shared_service, HEAD + forged + b"Content-Length: 0\r\n\r\n")

    assert (status, problem["type"]) == (401, "urn:frontdesk:problem:unauthorized")


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One process of one thread, so that a fault that ends a thread would show, in a later test too."""
    place = tmp_path_factory.mktemp("malformed")
    with running_fake_hasura() as hasura, services(hasura, place) as start:
        yield start(SERVER_WORKERS="1", SERVER_THREADS="1")
    assert not leaks_in_files(place)
