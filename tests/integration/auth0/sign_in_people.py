"""A tenant that people sign in to from the command line, and the person who does it in a browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests
from tests.integration.localauth0.acme import PASSWORD, TIMEOUT_S, Form

AUDIENCE = "https://api.example.com"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
MAX_REDIRECTS = 10
CLAIMS_CODE = (
    'exports.onExecutePostLogin = async (event, api) => api.accessToken.setCustomClaim("https://hasura.io/jwt/claims", '
    '{"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user", "x-hasura-user-id": event.user.user_id});'
)


def a_tenant(*callbacks: str, with_claims: bool = True) -> dict[str, Any]:
    """Return a tenant file with one person, an application for logins, and one for machines."""
    action = {"name": "claims", "trigger": "post-login", "code": CLAIMS_CODE, "secrets": {}}
    return {
        "tenant": "acme",
        "device_flow": {"interval": 1},
        "clients": [
            {
                "client_id": "login",
                "name": "frontdesk-login",
                "app_type": "native",
                "callbacks": list(callbacks),
                "grant_types": ["authorization_code", DEVICE_GRANT],
            },
            {
                "client_id": "robot",
                "client_secret": "robot-secret",
                "name": "Robot",
                "app_type": "non_interactive",
                "grant_types": ["client_credentials"],
            },
        ],
        "resource_servers": [{"identifier": AUDIENCE, "name": "API", "scopes": ["read:things"]}],
        "client_grants": [{"client_id": "robot", "audience": AUDIENCE, "scope": ["read:things"]}],
        "connections": [
            {"id": "con_0000000000000001", "name": "Username-Password-Authentication", "strategy": "auth0"}
        ],
        "users": [{"user_id": "auth0|ana", "email": "ana@example.com", "password": PASSWORD}],
        **({"actions": [action], "bindings": {"post-login": ["claims"]}} if with_claims else {}),
    }


class Person:
    """Somebody with a browser."""

    def __init__(self, tenant_url: str) -> None:
        self._url = tenant_url
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def log_in_at(self, url: str) -> requests.Response:
        """Log in at the URL that the command shows; return the page at which it ends."""
        return self._log_in(self._followed(self._http.get(url, allow_redirects=False, timeout=TIMEOUT_S)))

    def confirm(self, user_code: str) -> requests.Response:
        """Enter the code of a device, confirm it and log in."""
        return self._log_in(self._decided(user_code, "confirm"))

    def decline(self, user_code: str) -> requests.Response:
        """Enter the code of a device, and say that it is not one's own."""
        return self._decided(user_code, "cancel")

    def _decided(self, user_code: str, action: str) -> requests.Response:
        page = self._http.post(f"{self._url}/activate", data={"user_code": user_code}, timeout=TIMEOUT_S)
        return self._submit(page, {"action": action})

    def _log_in(self, page: requests.Response) -> requests.Response:
        return self._submit(page, {"username": "ana@example.com", "password": PASSWORD})

    def _submit(self, page: requests.Response, fields: dict[str, str]) -> requests.Response:
        form = Form.read(page)
        target = urljoin(page.url, form.action)
        return self._followed(
            self._http.post(target, data={**form.hidden, **fields}, allow_redirects=False, timeout=TIMEOUT_S)
        )

    def _followed(self, answer: requests.Response) -> requests.Response:
        for _ in range(MAX_REDIRECTS):
            if not answer.is_redirect:
                return answer
            target = urljoin(answer.url, answer.headers["location"])
            answer = self._http.get(target, allow_redirects=False, timeout=TIMEOUT_S)
        raise AssertionError("redirected in circles")
