"""The tenant's log and its figures: what is written down, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import requests
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import (
    ANA,
    API,
    BLOCKED,
    DATABASE,
    PASSWORD,
    RBAC_API,
    TIMEOUT_S,
    Browser,
    Clock,
    with_action,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant, sdk

from localauth0 import LocalAuth0

SCHEMAS = Path(__file__).parents[2] / "data" / "auth0" / "log-types"
_NEW = {"connection": DATABASE, "email": "new@example.com", "password": PASSWORD}
# The pull form names some members otherwise than the streamed form, for which the schemas are.
_OF_PULL = ("_id", "isMobile", "location_info")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenant(start_tenant: StartTenant, clock: Clock) -> LocalAuth0:
    """acme with a clock that stands still."""
    return start_tenant(an_operated_tenant(), clock=clock)


def types_after(tenant: LocalAuth0, log_id: str | None) -> list[str]:
    return [record["type"] for record in tenant.store.log.after(log_id, 1000)]


def newest_id(tenant: LocalAuth0) -> str | None:
    records = tenant.store.log.records()
    return records[-1]["log_id"] if records else None


def user_path(user_id: str, rest: str = "") -> str:
    return f"/users/{quote(user_id, safe='')}{rest}"


def only(tenant: LocalAuth0, code: str) -> dict[str, Any]:
    """The one record of a type."""
    (record,) = [one for one in tenant.store.log.records() if one["type"] == code]
    return dict(record)


def test_a_login_leaves_a_record_of_whom_and_by_what(acme: LocalAuth0, browser: Browser) -> None:
    browser.tokens()

    record = only(acme, "s")
    assert {
        key: record[key] for key in ("user_id", "user_name", "connection", "strategy", "strategy_type")
    } == {
        "user_id": ANA,
        "user_name": "ana",
        "connection": DATABASE,
        "strategy": "auth0",
        "strategy_type": "database",
    }
    assert (record["client_id"], record["client_name"]) == ("spa", "Acme web")
    assert record["details"]["prompts"][0]["stats"] == {"loginsCount": 5}
    assert types_after(acme, None) == ["s", "seacft"]


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [("ana", "wrong", "fp"), ("nobody@example.com", "wrong", "fu"), ("bad@example.com", PASSWORD, "f")],
)
def test_a_failed_login_leaves_a_record_of_its_reason(
    acme: LocalAuth0, browser: Browser, username: str, password: str, code: str
) -> None:
    browser.submit(browser.login_page(), {"username": username, "password": password})

    record = only(acme, code)
    assert record["user_id"] == {"fp": ANA, "fu": "", "f": BLOCKED}[code]
    assert record["details"]["error"]["message"]


def test_a_login_that_an_action_denies_is_a_failed_one(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action("api.access.deny('Not today')"))
    with Browser(tenant.url) as browser:
        browser.log_in()

    assert only(tenant, "f")["description"] == "Not today"
    assert types_after(tenant, None) == ["f"]


_BY_PASSWORD = {"grant_type": "password", "username": "ana@example.com"}
_BY_ITSELF = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "robot-secret"}


@dataclass(frozen=True)
class LoggedIn:
    """Ana's login in the one browser, and another browser in which nobody is logged in."""

    spa: Browser
    web: Browser
    code: str
    refresh_token: str


@pytest.mark.parametrize(
    ("go", "codes"),
    [
        (lambda one: one.web.token(**_BY_PASSWORD, password=PASSWORD), ["s", "sepft"]),
        (lambda one: one.web.token(**_BY_PASSWORD, password="wrong"), ["fp", "fepft"]),
        (lambda one: one.spa.refresh(one.refresh_token), ["sertft"]),
        (lambda one: one.spa.refresh("v1.none"), ["fertft"]),
        (lambda one: one.spa.exchange(one.code), ["feacft"]),
        (lambda one: one.spa.silent(), ["ssa"]),
        (lambda one: one.web.silent(code_challenge=None, code_challenge_method=None), ["fsa"]),
        (lambda one: one.spa.http.get(f"{one.spa.url}/v2/logout", timeout=TIMEOUT_S), ["slo"]),
        (lambda one: one.spa.token(**_BY_ITSELF, audience=API), ["seccft"]),
        (lambda one: one.spa.token(**_BY_ITSELF, audience=RBAC_API), ["feccft"]),
    ],
    ids=[
        "password",
        "wrong password",
        "refresh",
        "false refresh",
        "code twice",
        "silent",
        "silent stranger",
        "logout",
        "machine",
        "denied machine",
    ],
)
def test_every_way_in_and_out_leaves_its_records(
    acme: LocalAuth0, go: Callable[[LoggedIn], object], codes: list[str]
) -> None:
    with Browser(acme.url) as spa, Browser(acme.url, client_id="web", client_secret="web-secret") as web:
        code = spa.log_in().code
        one = LoggedIn(spa, web, code, spa.exchange(code).json()["refresh_token"])
        before = newest_id(acme)
        go(one)

    assert types_after(acme, before) == codes


def test_a_sign_up_and_a_new_password_leave_their_records(acme: LocalAuth0) -> None:
    account = {"client_id": "spa", "connection": DATABASE, "email": "new@example.com"}
    requests.post(
        f"{acme.url}/dbconnections/signup", json={**account, "password": PASSWORD}, timeout=TIMEOUT_S
    )
    requests.post(f"{acme.url}/dbconnections/change_password", json=account, timeout=TIMEOUT_S)
    requests.post(acme.mails[0].url, data={"password": "another good one"}, timeout=TIMEOUT_S)

    assert types_after(acme, None) == ["ss", "scpr", "scp"]
    assert only(acme, "ss")["details"]["body"]["password"] == "*****"
    assert PASSWORD not in json.dumps(list(acme.store.log.records()))


def test_what_the_management_api_does_to_a_user_is_told_twice(
    operated: LocalAuth0, operator: Operator
) -> None:
    before = newest_id(operated)
    user = operator.answer("POST", "/users", _NEW)
    operator.answer("PATCH", user_path(user["user_id"]), {"name": "Neo"})
    operator.answer("DELETE", user_path(user["user_id"]))

    records = operated.store.log.after(before, 10)
    assert [(record["type"], record["description"]) for record in records] == [
        ("ss", ""),
        ("sapi", "Create a User"),
        ("sapi", "Update a User"),
        ("sdu", ""),
        ("sapi", "Delete a User"),
    ]
    request = records[-1]["details"]["request"]
    assert (request["method"], request["path"]) == ("delete", f"/api/v2{user_path(user['user_id'])}")
    assert records[1]["details"]["response"]["body"]["user_id"] == user["user_id"]
    assert PASSWORD not in json.dumps(records)


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (
            {"email": "ana.ruiz@example.com"},
            "sce",
            {"email": "ana@example.com", "newEmail": "ana.ruiz@example.com", "email_verified": "false"},
        ),
        ({"username": "anaruiz"}, "scu", {"oldUsername": "ana", "newUsername": "anaruiz"}),
        ({"phone_number": "+34600111333"}, "scpn", {"new_phone_number": "+34600111333"}),
        ({"password": "another good one"}, "scp", {}),
    ],
    ids=["address", "username", "number", "password"],
)
def test_a_change_of_what_one_logs_in_with_is_told_beside_the_call(
    operated: LocalAuth0, operator: Operator, change: dict[str, str], code: str, told: dict[str, str]
) -> None:
    before = newest_id(operated)

    operator.answer("PATCH", user_path(ANA), change)

    assert types_after(operated, before) == [code, "sapi"]
    record = only(operated, code)
    assert (record["user_id"], record["connection"], record["client_id"]) == (ANA, DATABASE, "operator")
    assert told.items() <= record["details"]["body"].items()


def test_a_tenant_may_keep_changes_by_the_api_to_the_record_of_the_call(start_tenant: StartTenant) -> None:
    tenant = start_tenant(an_operated_tenant(log_changes_by_api=False))
    operator, before = Operator(tenant), newest_id(tenant)

    operator.answer("PATCH", user_path(ANA), {"email": "ana.ruiz@example.com"})

    assert types_after(tenant, before) == ["sapi"]


def test_a_refused_sign_up_leaves_a_record(acme: LocalAuth0) -> None:
    taken = {"client_id": "spa", "connection": DATABASE, "email": "ana@example.com", "password": PASSWORD}

    requests.post(f"{acme.url}/dbconnections/signup", json=taken, timeout=TIMEOUT_S)
    with Browser(acme.url) as browser:
        place = browser.authorize(screen_hint="signup").headers["Location"]
        page = browser.http.get(acme.url + place, timeout=TIMEOUT_S)
        browser.submit(page, {"email": "ana@example.com", "password": PASSWORD})

    assert types_after(acme, None) == ["fs", "fs"]
    record = acme.store.log.records()[0]
    assert (record["user_id"], record["user_name"], record["client_id"]) == ("", "ana@example.com", "spa")


def test_neither_reads_nor_refusals_are_written_down(operated: LocalAuth0, operator: Operator) -> None:
    before = newest_id(operated)

    operator.answer("GET", "/roles")
    operator.refusal("POST", "/roles", {})

    assert types_after(operated, before) == []


def test_a_deleted_user_leaves_roles_and_organizations(operator: Operator) -> None:
    operator.answer("DELETE", user_path(ANA))

    assert operator.answer("GET", "/roles/rol_0000000000000001/users") == []
    assert operator.answer("GET", "/organizations/org_0000000000000001/members") == []


def test_the_log_comes_by_page_newest_first(tenant: LocalAuth0) -> None:
    operator = Operator(tenant)
    for name in ("a", "b", "c"):
        operator.answer("POST", "/roles", {"name": name})
    # One more is of the operator's own token.
    page = operator.answer("GET", "/logs", params={"per_page": 2, "page": 1, "include_totals": "true"})

    assert {key: page[key] for key in ("start", "limit", "length", "total")} == {
        "start": 2,
        "limit": 2,
        "length": 2,
        "total": 4,
    }
    assert [record["type"] for record in page["logs"]] == ["sapi", "seccft"]
    assert operator.refusal("GET", "/logs", params={"page": 10, "per_page": 100})[2] == "invalid_paging"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "type:sapi"}, ["b", "a"]),
        ({"search": 'type:"sapi"', "sort": "date:1"}, ["a", "b"]),
        ({"q": 'type:sapi AND description:"Delete a role"'}, []),
        ({"q": "NOT type:seccft"}, ["b", "a"]),
        ({"q": "date:[2020-01-01 TO *] AND type:sapi"}, ["b", "a"]),
        ({"q": "date:[* TO 2020-01-01]"}, []),
    ],
    ids=str,
)
def test_the_log_can_be_searched(tenant: LocalAuth0, query: dict[str, str], names: list[str]) -> None:
    operator = Operator(tenant)
    for name in ("a", "b"):
        operator.answer("POST", "/roles", {"name": name})

    found = operator.answer("GET", "/logs", params=query)

    assert [record["details"]["request"]["body"]["name"] for record in found] == names


def test_a_search_that_cannot_be_understood_is_refused(operator: Operator) -> None:
    assert operator.refusal("GET", "/logs", params={"q": "type:("})[2] == "invalid_query_string"
    assert operator.refusal("GET", "/logs", params={"sort": "date"})[2] == "invalid_query_string"


def test_the_log_goes_on_from_a_record_in_the_order_of_ids(tenant: LocalAuth0) -> None:
    operator = Operator(tenant)
    for name in ("a", "b", "c"):
        operator.answer("POST", "/roles", {"name": name})
    first = operator.call("GET", "/logs", params={"take": 2})

    second = operator.call(
        "GET", "/logs", params={"from": first.json()[-1]["log_id"], "take": 2, "q": "type:none"}
    )
    end = operator.call("GET", "/logs", params={"from": second.json()[-1]["log_id"], "take": 2})

    ids = [record["log_id"] for record in [*first.json(), *second.json()]]
    assert ids == sorted(ids)
    assert all(len(log_id) == 56 for log_id in ids)
    assert first.links["next"]["url"] == f"{tenant.url}/api/v2/logs?from={ids[1]}&take=2"
    assert (end.json(), end.links) == ([], {})


def test_the_log_forgets_what_is_beyond_the_retention(start_tenant: StartTenant, clock: Clock) -> None:
    tenant = start_tenant(an_operated_tenant(plan={"log_retention_days": 1}), clock=clock)
    operator = Operator(tenant)
    operator.answer("POST", "/roles", {"name": "old"})
    old = newest_id(tenant)

    clock.advance(timedelta(hours=25))
    operator = Operator(tenant)

    assert [record["type"] for record in operator.answer("GET", "/logs")] == ["seccft"]
    assert operator.refusal("GET", f"/logs/{old}")[0] == 404
    assert operator.refusal("GET", "/logs", params={"from": old})[0] == 400
    assert operator.refusal("GET", "/logs", params={"from": "1"})[2] == "invalid_query_string"


def test_a_record_is_found_by_its_id_and_by_its_user(tenant: LocalAuth0, clock: Clock) -> None:
    operator = Operator(tenant)
    user = operator.answer("POST", "/users", _NEW)
    at_once = operator.answer("GET", user_path(user["user_id"], "/logs"))

    clock.advance(timedelta(seconds=1))
    later = operator.answer("GET", user_path(user["user_id"], "/logs"))

    assert at_once == []
    assert [record["type"] for record in later] == ["ss"]
    assert operator.answer("GET", f"/logs/{later[0]['log_id']}") == later[0]


def test_the_figures_count_logins_sign_ups_and_active_users(start_tenant: StartTenant, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    tenant = start_tenant(an_operated_tenant(), clock=clock)
    operator = Operator(tenant)
    before = operator.answer("GET", "/stats/active-users")
    operator.answer("POST", "/users", _NEW)
    for identifier in ("ana@example.com", "ana", "new@example.com"):
        with Browser(tenant.url) as browser:
            browser.log_in({"username": identifier, "password": PASSWORD})
    query = {"from": "20260201", "to": "20260301"}

    days = operator.answer("GET", "/stats/daily", params=query)

    assert before == 0
    assert operator.answer("GET", "/stats/active-users") == 2
    assert [(day["date"], day["logins"], day["signups"]) for day in days] == [
        ("2026-03-01T00:00:00.000Z", 3, 1)
    ]
    assert operator.refusal("GET", "/stats/daily", params={"from": "March"})[2] == "invalid_query_string"


def test_users_who_logged_in_before_the_start_are_active_and_deleted_ones_are_not(
    start_tenant: StartTenant, clock: Clock
) -> None:
    recently = (clock.now - timedelta(days=2)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    people = [{"user_id": f"auth0|{n}", "last_login": recently} for n in range(3)]
    tenant = start_tenant(an_operated_tenant(users=people, organizations=[]), clock=clock)
    operator = Operator(tenant)

    operator.answer("DELETE", "/users/auth0%7C1")

    assert operator.answer("GET", "/stats/active-users") == 2


def test_the_official_sdk_reads_the_log_and_the_figures(tenant: LocalAuth0) -> None:
    with sdk(tenant) as auth0, Browser(tenant.url) as browser:
        browser.log_in()

        assert _types(auth0) == ["s", "seccft"]
        assert auth0.logs.get(str(newest_id(tenant))).type == "s"
        assert auth0.stats.get_active_users_count() == 1
        assert [day.logins for day in auth0.stats.get_daily()] == [1]


def _types(auth0: Auth0) -> list[str | None]:
    return [record.type for record in auth0.logs.list(per_page=1)]


def test_records_of_users_fit_the_published_schemas(operated: LocalAuth0, operator: Operator) -> None:
    """In the streamed form: without nulls, with the tenant's name."""
    with Browser(operated.url) as browser:
        browser.tokens()
        browser.submit(browser.login_page(prompt="login"), {"username": "ana", "password": "wrong"})
        browser.submit(browser.login_page(prompt="login"), {"username": "nobody", "password": "wrong"})
        browser.submit(
            browser.login_page(prompt="login"), {"username": "bad@example.com", "password": PASSWORD}
        )
        browser.http.get(f"{browser.url}/v2/logout", timeout=TIMEOUT_S)
    operator.answer("DELETE", user_path(ANA))

    faults = list(_schema_faults(operated))

    assert faults == []


def _schema_faults(tenant: LocalAuth0) -> Iterator[str]:
    checked = set()
    for record in tenant.store.log.records():
        schema = json.loads((SCHEMAS / f"{record['type']}.schema.json").read_text())
        known = {name: value for name, value in record.items() if value is not None and name not in _OF_PULL}
        streamed = {**known, "tenant_name": "acme", "environment_name": "local"}
        checked.add(record["type"])
        for fault in jsonschema.Draft202012Validator(schema).iter_errors(streamed):
            yield f"{record['type']}: {fault.json_path}: {fault.message}"
    assert {"s", "f", "fp", "fu", "slo", "seacft", "seccft", "sdu", "sapi"} <= checked
