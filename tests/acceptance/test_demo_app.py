"""The sample application of a running demo, as a browser without JavaScript uses it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import requests

from tests.acceptance.conftest import RunningDemo, StartDemo

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def demo(start_demo: StartDemo, port_base: int, tmp_path: Any) -> RunningDemo:
    return start_demo(tmp_path / "demo", port_base)


def sign_in(browser: requests.Session, app_url: str, username: str, password: str) -> requests.Response:
    page = browser.get(f"{app_url}/login", timeout=20)
    action = html.unescape(re.findall(r'<form[^>]*action="([^"]*)"', page.text)[0])
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return browser.post(
        requests.compat.urljoin(page.url, action),
        data={**hidden, "username": username, "password": password},
        timeout=20,
    )


def test_a_person_signs_in_and_sees_claims_own_row_and_refusal(demo: RunningDemo) -> None:
    facts = demo.announcement
    person = facts["users"][1]

    with requests.Session() as browser:
        answer = sign_in(browser, facts["app"]["url"], person["username"], person["password"])

    page = html.unescape(answer.text)
    assert answer.status_code == 200
    assert '"x-hasura-default-role": "user"' in page
    assert person["user_id"] in page
    assert "invalid-headers" in page


def test_a_wrong_password_stays_on_the_login_page(demo: RunningDemo) -> None:
    facts = demo.announcement

    with requests.Session() as browser:
        answer = sign_in(browser, facts["app"]["url"], facts["users"][0]["username"], "wrong")

    assert answer.url.startswith(facts["auth0"]["url"])
    assert "x-hasura" not in answer.text


def test_a_callback_that_nobody_started_is_refused(demo: RunningDemo) -> None:
    answer = requests.get(
        demo.announcement["app"]["callback_url"], params={"code": "stolen", "state": "forged"}, timeout=20
    )

    assert answer.status_code == 400
    assert "Start again" in answer.text
