"""What each provider publishes: issuer, key set, and how its tokens carry the Hasura claims.

Sources: Hasura docs, "Authentication using JWT"; hasura/learn-graphql, integrations; the OpenID configurations of the
providers; Google Cloud docs, "Securing your app with signed headers".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from frontdesk.errors import FieldFault
from frontdesk.hasura.jwt_config import ALLOWED_ROLES, DEFAULT_ROLE, ClaimsFormat, TokenHeader
from frontdesk.hasura.jwt_secret.options import SecretOptions

FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
IAP_KEYS, IAP_ISSUER = "https://www.gstatic.com/iap/verify/public_key-jwk", "https://cloud.google.com/iap"
GOOGLE_KEYS, GOOGLE_ISSUER = "https://www.googleapis.com/oauth2/v3/certs", "https://accounts.google.com"
IAP_HEADER = TokenHeader("CustomHeader", "x-goog-iap-jwt-assertion")

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:[1-9]\d{{0,4}})?"
_PLAIN = r"[A-Za-z0-9._~-]{1,200}"
# Entra has keys for these words, but no issuer: each token names the directory it comes from.
_SHARED_DIRECTORIES = {"common", "organizations", "consumers"}


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a provider's tokens are checked with, and where they carry the Hasura claims."""

    issuer: str | None
    jwk_url: str | None
    audiences: tuple[str, ...] = ()
    type: str | None = None
    claims_format: ClaimsFormat = "json"
    claims_map: Mapping[str, Any] | None = None
    header: TokenHeader | None = None


@dataclass(frozen=True)
class Needed:
    """An option that a provider cannot do without: its form, and the provider's own word for it."""

    option: Literal["domain", "project", "region", "user_pool", "realm", "instance", "directory"]
    pattern: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Provider:
    """How one provider's options become what it publishes. `audience` is its own word for an audience."""

    name: str
    needs: tuple[Needed, ...]
    published: Callable[[SecretOptions], Published]
    audience: str
    notes: tuple[str, ...] = ()

    def faults(self, options: SecretOptions) -> list[FieldFault]:
        """Return what is missing or malformed of the options that this provider goes by."""
        if options.issuer is not None:
            return [each for each in self._faults(options) if getattr(options, each.field) is not None]
        return self._faults(options)

    def _faults(self, options: SecretOptions) -> list[FieldFault]:
        return [
            FieldFault(need.option, need.expected)
            for need in self.needs
            if re.fullmatch(need.pattern, getattr(options, need.option) or "") is None
        ]


def _auth0(options: SecretOptions) -> Published:
    issuer = (options.issuer or f"https://{(options.domain or '').lower()}").rstrip("/") + "/"
    return Published(issuer=issuer, jwk_url=f"{issuer}.well-known/jwks.json")


def _firebase(options: SecretOptions) -> Published:
    project = options.project or (options.issuer or "").rpartition("/")[2]
    return Published(
        type="RS256",
        jwk_url=FIREBASE_KEYS,
        issuer=options.issuer or f"https://securetoken.google.com/{project}",
        audiences=(project,),
    )


def _cognito(options: SecretOptions) -> Published:
    issuer = options.issuer or f"https://cognito-idp.{options.region}.amazonaws.com/{options.user_pool}"
    return Published(
        type="RS256",
        jwk_url=f"{issuer.rstrip('/')}/.well-known/jwks.json",
        issuer=issuer,
        claims_format="stringified_json",
    )


def _clerk(options: SecretOptions) -> Published:
    issuer = options.issuer or f"https://{(options.instance or '').lower()}"
    return Published(jwk_url=f"{issuer.rstrip('/')}/.well-known/jwks.json", issuer=issuer)


def _azure_ad(options: SecretOptions) -> Published:
    issuer = options.issuer or f"https://login.microsoftonline.com/{options.directory}/v2.0"
    found = re.search(r"//(?:login\.microsoftonline\.com|sts\.windows\.net)/([^/]+)", issuer)
    directory = options.directory or (found[1] if found else "")
    return Published(
        jwk_url=f"https://login.microsoftonline.com/{directory}/discovery/v2.0/keys",
        issuer=issuer,
        claims_map={
            ALLOWED_ROLES: {"path": "$.roles", "default": ["user"]},
            DEFAULT_ROLE: {"path": "$.roles[0]", "default": "user"},
            "x-hasura-user-id": {"path": "$.oid"},
        },
    )


def _keycloak(options: SecretOptions) -> Published:
    issuer = options.issuer or f"https://{options.domain}/realms/{quote(options.realm or '', safe='')}"
    return Published(jwk_url=f"{issuer.rstrip('/')}/protocol/openid-connect/certs", issuer=issuer)


def _google(options: SecretOptions) -> Published:
    mapped = {ALLOWED_ROLES: ["user"], DEFAULT_ROLE: "user", "x-hasura-user-id": {"path": "$.sub"}}
    if options.issuer == GOOGLE_ISSUER or _is_sign_in(options.audiences):
        return Published(jwk_url=GOOGLE_KEYS, issuer=options.issuer or GOOGLE_ISSUER, claims_map=mapped)
    issuer = options.issuer or IAP_ISSUER
    return Published(jwk_url=IAP_KEYS, issuer=issuer, claims_map=mapped, header=IAP_HEADER)


def _is_sign_in(audiences: tuple[str, ...]) -> bool:
    return any(each.endswith(".apps.googleusercontent.com") for each in audiences)


def _custom(options: SecretOptions) -> Published:
    return Published(jwk_url=options.jwk_url, issuer=options.issuer)


_HOST_NAME = "a host name without https:// and path"
PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name="auth0",
            needs=(Needed("domain", _HOST, f"Auth0's Domain, {_HOST_NAME}, such as acme.eu.auth0.com"),),
            published=_auth0,
            audience="the Identifier of an API (Auth0 Dashboard, Applications, APIs), such as https://api.example.com",
        ),
        Provider(
            name="firebase",
            needs=(Needed("project", r"[a-z][a-z0-9-]{3,40}", "Firebase's Project ID, such as my-app-1234"),),
            published=_firebase,
            audience="Firebase's Project ID",
            notes=(
                "Firebase's keys are shared by all projects: only the audience and the issuer keep others out.",
                "Firebase puts the Hasura claims on a token as custom claims, or map its own with --claims-map.",
            ),
        ),
        Provider(
            name="cognito",
            needs=(
                Needed(
                    "region",
                    r"[a-z]{2}(-[a-z]+)+-\d",
                    "the AWS Region of the user pool, such as eu-central-1",
                ),
                Needed(
                    "user_pool",
                    r"[a-z0-9-]+_[A-Za-z0-9]+",
                    "Cognito's User pool ID, such as eu-central-1_AbCdEf123",
                ),
            ),
            published=_cognito,
            audience="Cognito's App client ID",
            notes=(
                "Send Cognito's ID token: its access token has no audience, and passes for every app client.",
                "A Pre token generation Lambda puts the Hasura claims on it as JSON text.",
            ),
        ),
        Provider(
            name="clerk",
            needs=(
                Needed("instance", _HOST, f"Clerk's Frontend API, {_HOST_NAME}, such as clerk.example.com"),
            ),
            published=_clerk,
            audience="the `aud` of your JWT template in Clerk",
            notes=(
                "Clerk's session token has no audience: name one in the JWT template, and ask for that template.",
            ),
        ),
        Provider(
            name="azure-ad",
            needs=(
                Needed(
                    "directory",
                    rf"(?!({'|'.join(_SHARED_DIRECTORIES)})$){_PLAIN}",
                    "the Directory (tenant) ID of Microsoft Entra, not common or organizations",
                ),
            ),
            published=_azure_ad,
            audience="the Application (client) ID of Microsoft Entra, or the Application ID URI",
            notes=(
                "The app roles of Entra become Hasura's roles: name none of them admin.",
                "An access token of version 1 has another issuer (https://sts.windows.net/…): say it with --issuer.",
            ),
        ),
        Provider(
            name="keycloak",
            needs=(
                Needed(
                    "domain",
                    rf"{_HOST}(/[A-Za-z0-9._~/-]*[A-Za-z0-9_~-])?",
                    "Keycloak's host without https://, such as id.example.com (or id.example.com/auth)",
                ),
                Needed("realm", r"[^/?#\x00-\x1f\x7f]{1,200}", "Keycloak's Realm name"),
            ),
            published=_keycloak,
            audience="a Client ID of Keycloak that an Audience mapper puts on the token",
            notes=(
                r"Name the mappers' claims https://hasura\.io/jwt/claims.x-hasura-…, the dot with a backslash.",
            ),
        ),
        Provider(
            name="google",
            needs=(),
            published=_google,
            audience="Identity-Aware Proxy's signed header audience (/projects/…), or an OAuth Client ID "
            "(….apps.googleusercontent.com)",
            notes=("Google's tokens hold no roles: everybody is `user` unless you give a --claims-map.",),
        ),
        Provider(
            name="custom",
            needs=(),
            published=_custom,
            audience="the `aud` of your tokens",
        ),
    )
}
