"""Every error of the libraries below has a counterpart of ours, so that a new one cannot leak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from gql.transport import exceptions as gql_errors

from frontdesk.errors import HasuraAnswerTooLarge, HasuraError, HasuraRejected, HasuraUnavailable
from frontdesk.hasura.graphql import outcome_of
from frontdesk.hasura.transport import AnswerTooLarge

GQL = {
    "TransportError": HasuraUnavailable,
    "TransportProtocolError": HasuraUnavailable,
    "TransportServerError": HasuraUnavailable,
    "TransportQueryError": HasuraUnavailable,  # one without Hasura's code; with one, see below
    "TransportClosed": HasuraUnavailable,
    "TransportConnectionFailed": HasuraUnavailable,
    "TransportAlreadyConnected": HasuraUnavailable,
}
FINAL_REQUESTS_ERRORS = {"InvalidJSONError", "JSONDecodeError"}
REQUESTS = {
    "AnswerTooLarge", "ChunkedEncodingError", "ConnectTimeout", "ConnectionError", "ContentDecodingError", "HTTPError",
    "InvalidHeader", "InvalidJSONError", "InvalidProxyURL", "InvalidSchema", "InvalidURL", "JSONDecodeError",
    "MissingSchema", "ProxyError", "ReadTimeout", "RequestException", "RetryError", "SSLError", "StreamConsumedError",
    "Timeout", "TooManyRedirects", "URLRequired", "UnrewindableBodyError",
}  # fmt: skip


def family(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def test_no_error_of_gql_is_unknown() -> None:
    assert {kind.__name__ for kind in family(gql_errors.TransportError)} == set(GQL)


def test_no_error_of_requests_is_unknown() -> None:
    assert {kind.__name__ for kind in family(requests.RequestException)} == REQUESTS


@pytest.mark.parametrize("kind", list(family(gql_errors.TransportError)), ids=lambda kind: kind.__name__)
def test_an_error_of_gql_becomes_ours(kind: type[gql_errors.TransportError]) -> None:
    assert type(outcome_of(kind("ann@example.com"))) is GQL[kind.__name__]


@pytest.mark.parametrize("kind", list(family(requests.RequestException)), ids=lambda kind: kind.__name__)
def test_an_error_of_requests_below_gql_becomes_ours(kind: type[Exception]) -> None:
    cause = kind("ann@example.com", "", 0) if kind is requests.JSONDecodeError else kind("ann@example.com")
    failed = gql_errors.TransportConnectionFailed("ann@example.com")
    failed.__cause__ = cause

    outcome = outcome_of(failed)

    expected = HasuraRejected if kind.__name__ in FINAL_REQUESTS_ERRORS else HasuraUnavailable
    assert type(outcome) is (HasuraAnswerTooLarge if kind is AnswerTooLarge else expected)
    assert "ann@example.com" not in outcome.detail


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("permission-error", HasuraRejected),
        ("validation-failed", HasuraRejected),
        ("unexpected", HasuraRejected),
        ("postgres-error", HasuraUnavailable),
        ("postgres-max-connections-error", HasuraUnavailable),
        ("timeout", HasuraUnavailable),
        (None, HasuraUnavailable),
        (5, HasuraUnavailable),
    ],
)
def test_hasuras_code_says_whether_trying_again_may_help(code: object, expected: type[HasuraError]) -> None:
    error = {
        "message": "ann@example.com",
        "extensions": {"code": code, "path": "$.selectionSet.insert_users"},
    }

    outcome = outcome_of(gql_errors.TransportQueryError("ann@example.com", errors=[error]))

    assert type(outcome) is expected
    assert "ann@example.com" not in str(outcome)


def test_an_endless_path_is_cut() -> None:
    error = {"message": "no", "extensions": {"code": "validation-failed", "path": "$" * 10_000}}

    outcome = outcome_of(gql_errors.TransportQueryError("no", errors=[error]))

    assert len(outcome.detail) < 300
