"""Post-login events as Auth0 documents them, one builder per kind of login.

Source: Auth0 docs, "Actions Triggers: post-login - Event Object". All values are made up.
"""

from __future__ import annotations

from typing import Any

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

Event = dict[str, Any]


def a_login(**user: Any) -> Event:
    """A database login in a browser; `user` changes or adds fields of the user."""
    return {
        "authentication": {"methods": [{"name": "pwd", "timestamp": "2026-05-04T10:00:00.123Z"}]},
        "authorization": {"roles": ["Editor"]},
        "client": {
            "client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww",
            "name": "My App",
            "metadata": {"tier": "gold"},
        },
        "connection": {
            "id": "con_fpe5kj482KO1eOzQ",
            "name": "Username-Password-Authentication",
            "strategy": "auth0",
            "metadata": {},
        },
        "request": {
            "ip": "13.33.86.47",
            "method": "GET",
            "query": {"client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww", "state": "hKFo2SBzdGF0ZQ"},
            "body": {},
            "hostname": "acme.eu.auth0.com",
            "language": "en",
            "user_agent": "Mozilla/5.0",
            "geoip": {"countryCode": "ES"},
        },
        "resource_server": {"identifier": "https://api.example.com"},
        "secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET},
        "session": {"id": "sess_1"},
        "stats": {"logins_count": 3},
        "tenant": {"id": "acme"},
        "transaction": {
            "protocol": "oidc-basic-profile",
            "prompt": ["login"],
            "redirect_uri": "https://app.example.com/callback",
            "state": "hKFo2SBzdGF0ZQ",
            "metadata": {},
        },
        "user": {
            "user_id": "auth0|64b0f1e2d3c4b5a697887766",
            "email": "ana@example.com",
            "email_verified": True,
            "name": "ana@example.com",
            "nickname": "ana",
            "picture": "https://s.gravatar.com/avatar/1",
            "app_metadata": {"plan": "pro"},
            "user_metadata": {"lang": "es"},
            "created_at": "2026-03-01T09:00:00.123Z",
            "updated_at": "2026-05-04T10:00:00.100Z",
            "last_password_reset": "2026-03-02T09:00:00.000Z",
            "enrolledFactors": [],
            "multifactor": [],
            "identities": [
                {
                    "connection": "Username-Password-Authentication",
                    "provider": "auth0",
                    "user_id": "64b0f1e2d3c4b5a697887766",
                    "isSocial": False,
                }
            ],
            **user,
        },
    }


def a_social_login() -> Event:
    """A Google login whose identity carries the upstream provider's tokens."""
    event = a_login(
        user_id="google-oauth2|115015401343387192604",
        given_name="Ana",
        family_name="Ruiz",
        identities=[
            {
                "connection": "google-oauth2",
                "provider": "google-oauth2",
                "user_id": "115015401343387192604",
                "isSocial": True,
                "access_token": "ya29.upstream-access-token",
                "refresh_token": "1//upstream-refresh-token",
                "expires_in": 3599,
                "profileData": {"email": "ana@gmail.example", "email_verified": True, "name": "Ana Ruiz"},
            }
        ],
    )
    event["connection"] = {"id": "con_g", "name": "google-oauth2", "strategy": "google-oauth2"}
    event["authentication"] = {"methods": [{"name": "federated", "timestamp": "2026-05-04T10:00:00.123Z"}]}
    return event


def an_enterprise_login_in_an_organization() -> Event:
    """A SAML login into an organization; the upstream attributes lie at the user's root too."""
    event = a_login(
        user_id="samlp|acme-saml|ana@corp.example",
        upn="ana@corp.example",
        identities=[
            {
                "connection": "acme-saml",
                "provider": "samlp",
                "user_id": "acme-saml|ana@corp.example",
                "isSocial": False,
            }
        ],
    )
    event["connection"] = {"id": "con_s", "name": "acme-saml", "strategy": "samlp"}
    event["organization"] = {
        "id": "org_juG7cAQ0CymOcVpV",
        "name": "acme-corp",
        "display_name": "Acme Corp",
        "metadata": {"region": "eu"},
    }
    return event


def a_passwordless_login() -> Event:
    """A login by SMS code: a phone number, no e-mail address."""
    event = a_login(user_id="sms|64b0f1e2d3c4b5a697887766", phone_number="+34600000000", phone_verified=True)
    del event["user"]["email"], event["user"]["email_verified"]
    event["connection"] = {"id": "con_sms", "name": "sms", "strategy": "sms"}
    return event


def a_token_refresh() -> Event:
    """A refresh-token exchange: a POST with a body, no session, no transaction id, nobody authenticated just now."""
    event = a_login()
    for absent in ("session", "authentication"):
        del event[absent]
    event["transaction"] = {"protocol": "oauth2-refresh-token", "requested_scopes": [], "metadata": {}}
    event["request"] |= {
        "method": "POST",
        "body": {"grant_type": "refresh_token", "refresh_token": "v1.MTIz"},
    }
    return event


def the_test_buttons_event() -> Event:
    """What the dashboard's Test button sends: placeholder ids, no identities, no logins."""
    event = a_login(
        user_id="auth0|5f7c8ec7c33c6c004bbafe82",
        identities=[],
        app_metadata={},
        user_metadata={},
        username="j+smith",
    )
    event["stats"] = {"logins_count": 0}
    return event


def the_least_event() -> Event:
    """Nothing but what is guaranteed."""
    return {"user": {"user_id": "auth0|1"}, "secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET}}
