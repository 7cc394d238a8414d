"""Two tenants before one Hasura that asks frontdesk: docs/how-to/many-tenants.md, from its commands to its tokens."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from frontdesk.settings import load_settings
from localhasura import LocalHasura
from localhasura.config import Options
from tests.acceptance.actions_house import TENANTS, House, a_house
from tests.conftest import new_database
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.localauth0.acme import ANA, GOOGLE_USER, Browser, tokens_of

pytestmark = pytest.mark.timeout(180)
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "many-tenants.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^    frontdesk (.*)$", PAGE, re.MULTILINE)]
MODES = ("GET", "POST")
OWN = "{users {userId tenant}}"
SOCIAL = {"user_id": GOOGLE_USER, "connection": "google-oauth2"}


@dataclass(frozen=True)
class Hooked:
    """The house, and engines over its database that ask frontdesk, by the mode in which they ask."""

    house: House
    url: str
    engines: dict[str, Engine]
    said: dict[str, str]

    def log_in(self, tenant: str, fields: dict[str, str] | None = None, **changes: str) -> str:
        with Browser(self.house.auth0[tenant].url) as browser:
            return str(tokens_of(browser.exchange(browser.log_in(fields, **changes).code))["access_token"])

    def ask(self, token: str | None, query: str = OWN, mode: str = "POST", **headers: str) -> dict[str, Any]:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.engines[mode].ask(query, {**bearer, **given})


@pytest.fixture(scope="module")
def hooked(postgres_url: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    place = tmp_path_factory.mktemp("many")
    with ExitStack() as stack:
        url = stack.enter_context(new_database(postgres_url, f"many_{worker_id}_{os.getpid()}"))
        store = stack.enter_context(new_database(postgres_url, f"many_store_{worker_id}_{os.getpid()}"))
        house = stack.enter_context(a_house(place, url))
        said = run_the_page(house, store)
        hook = f"{load_settings(house.environment, place).action.url}/hasura/auth-hook"
        engines = {}
        for mode in MODES:
            options = Options(
                database_url=url,
                port=0,
                admin_secret=ADMIN_SECRET,
                auth_hook=hook,
                auth_hook_mode=mode,
            )
            engine = stack.enter_context(LocalHasura.from_options(options))
            engines[mode] = Engine(engine.url)
            stack.callback(engines[mode].close)
        yield Hooked(house, hook, engines, said)


def run_the_page(house: House, store: str) -> dict[str, str]:
    """Run the commands of the page in their order; return what each one said."""
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(house.place)
        for command in COMMANDS:
            found = house.run(*command, DATABASE_URL=store)
            assert found.exit_code == 0, (command, found.output, found.exception)
            said[" ".join(command)] = found.stdout
    return said


def test_the_commands_of_the_page_bring_everybody_of_both_tenants(hooked: Hooked) -> None:
    counted = hooked.house.rows("select tenant, count(*) from users group by 1 order by 1")

    assert [" ".join(each[:2]) for each in COMMANDS].count("actions deploy") == len(TENANTS)
    assert "import --all" in hooked.said
    assert [row["tenant"] for row in counted] == list(TENANTS)
    assert len({row["count"] for row in counted}) == 1


@pytest.mark.parametrize("mode", MODES)
def test_whoever_logs_in_at_a_tenant_sees_the_own_row_of_that_tenant(hooked: Hooked, mode: str) -> None:
    seen = {tenant: hooked.ask(hooked.log_in(tenant), mode=mode) for tenant in TENANTS}

    assert seen == {tenant: {"data": {"users": [{"userId": ANA, "tenant": tenant}]}} for tenant in TENANTS}


def test_one_social_account_in_two_tenants_is_two_rows(hooked: Hooked) -> None:
    tokens = {tenant: hooked.log_in(tenant, SOCIAL, connection="google-oauth2") for tenant in TENANTS}

    assert [hooked.ask(token)["data"]["users"] for token in tokens.values()] == [
        [{"userId": GOOGLE_USER, "tenant": tenant}] for tenant in TENANTS
    ]
    rows = hooked.house.rows("select tenant from users where user_id = %s order by 1", GOOGLE_USER)
    assert [row["tenant"] for row in rows] == list(TENANTS)


@pytest.mark.parametrize("mode", MODES)
def test_headers_open_nothing_that_the_token_does_not(hooked: Hooked, mode: str) -> None:
    token = hooked.log_in("acme")
    own = {"data": {"users": [{"userId": ANA, "tenant": "acme"}]}}
    others = {"X_Hasura_Tenant": "beta", "X_Hasura_User_Id": GOOGLE_USER, "Cookie": "x-hasura-role=admin"}

    assert hooked.ask(token, mode=mode, **others) == own
    assert hooked.ask(token, mode=mode, x_hasura_role="user") == own
    for role in ("admin", "frontdesk", "owner", "user,admin", ""):
        assert denied(hooked.ask(token, mode=mode, X_Hasura_Role=role)), role


@pytest.mark.parametrize("mode", MODES)
def test_bad_tokens_and_none_are_denied(hooked: Hooked, mode: str) -> None:
    token = hooked.log_in("acme")
    head, body, signature = token.split(".")
    of_beta = hooked.log_in("beta").split(".")
    unsigned = jwt.encode(jwt.decode(token, options={"verify_signature": False}), "", algorithm="none")

    for bad in (f"{head}.{of_beta[1]}.{signature}", f"{of_beta[0]}.{body}.{of_beta[2]}", unsigned, "x", None):
        assert denied(hooked.ask(bad, mode=mode)), bad


def test_many_queries_of_both_tenants_at_once_are_each_answered_with_their_own(hooked: Hooked) -> None:
    tokens = [hooked.log_in(tenant) for tenant in TENANTS]

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda n: hooked.ask(tokens[n % 2])["data"]["users"], range(120)))

    assert seen == [[{"userId": ANA, "tenant": TENANTS[n % 2]}] for n in range(120)]


def test_a_long_token_comes_through_by_post_and_not_by_get(hooked: Hooked) -> None:
    long = {"Authorization": "Bearer " + "a" * 9000}

    assert (
        requests.get(hooked.url, headers=long, timeout=30).status_code
        == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    )
    assert (
        requests.post(hooked.url, json={"headers": long}, timeout=30).status_code == HTTPStatus.UNAUTHORIZED
    )


def denied(answer: dict[str, Any]) -> bool:
    return [each["extensions"]["code"] for each in answer.get("errors", ())] == ["access-denied"]
