"""`POST /api/jwt-secret`: the generator of JWT secrets for the console, with the options of `frontdesk jwt-secret`.

Whoever asks names URLs that this server fetches, so they must be https at public hosts, or at a tenant of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from frontdesk.auth0.json_body import MAX_FAULTS, parse_object, shown_field
from frontdesk.errors import FieldFault, PayloadInvalid, UsageError
from frontdesk.hasura.jwt_secret import (
    Proposal,
    Reach,
    SecretFormat,
    SecretOptions,
    SecretReport,
    check_keys,
    options_for,
    origin_of,
    proposal_from,
    secret_for,
    tenant_options,
    token_header,
)
from frontdesk.settings import TenantSettings

_Text = Annotated[str, Field(min_length=1, max_length=2048)] | None
_Name = Annotated[str, Field(min_length=1, max_length=600)]
_NOT_OPTIONS = {"provider", "tenant", "token", "embed_key", "check", "format", "header", "audience"}


class JwtSecretAsked(BaseModel):
    """The body: every option of the command, with `_` for `-`; a key is a public one, and a token is in the body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    provider: _Text = None
    tenant: _Text = None
    domain: _Text = None
    project: _Text = None
    region: _Text = None
    user_pool: _Text = None
    realm: _Text = None
    instance: _Text = None
    directory: _Text = None
    issuer: _Text = None
    audience: _Name | Annotated[list[_Name], Field(max_length=50)] | None = None
    allow_any_audience: bool = False
    token: SecretStr | None = None
    jwk_url: _Text = None
    key: Annotated[str, Field(max_length=32_768, pattern="-----BEGIN ")] | None = None
    key_type: _Text = None
    embed_key: bool = False
    key_url: _Text = None
    kid: _Text = None
    check: bool = False
    claims_namespace: _Text = None
    claims_namespace_path: _Text = None
    claims_map: dict[str, Any] | None = None
    stringified_claims: bool = False
    allowed_skew: Annotated[int, Field(ge=0)] | None = None
    header: _Text = None
    format: SecretFormat = "json"

    EXPECTED: ClassVar[Mapping[str, str]] = {
        "key": "a public key or certificate as PEM; an HMAC secret goes by `frontdesk jwt-secret --key-file` alone",
        "audience": "text or a list of texts",
        "format": "json, env, compose, kubernetes or cloud",
    }

    @classmethod
    def parse(cls, body: bytes) -> JwtSecretAsked:
        """Return what `body` asks for. Raises PayloadInvalid naming each wrong field."""
        parsed = parse_object(body)
        try:
            return cls.model_validate(parsed)
        except ValidationError as error:
            raise PayloadInvalid(cls._faults(error)) from None

    @classmethod
    def _faults(cls, error: ValidationError) -> list[FieldFault]:
        found: dict[str, str] = {}
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            field = shown_field(tuple(map(str, each["loc"][:1])))
            expected = "no such field" if each["type"] == "extra_forbidden" else each["msg"]
            found.setdefault(field, cls.EXPECTED.get(field, expected))
        return [FieldFault(field, expected) for field, expected in list(found.items())[:MAX_FAULTS]]

    def said(self) -> dict[str, Any]:
        """Return the generator's options that the body names."""
        listed = [self.audience] if isinstance(self.audience, str) else self.audience or []
        named = {name: value for name, value in self if name not in _NOT_OPTIONS}
        return {
            **{name: value for name, value in named.items() if name != "allowed_skew"},
            "allowed_skew_s": self.allowed_skew,
            "audiences": tuple(listed),
            "header": None if self.header is None else token_header(self.header),
        }


def reach_of(tenants: Mapping[str, TenantSettings]) -> Reach:
    """Return where keys may be fetched from for somebody who asks: public hosts, and these tenants."""
    return Reach(
        public_only=True,
        origins=frozenset(origin_of(urlsplit(str(tenant.issuer))) for tenant in tenants.values()),
    )


def answer_for(
    asked: JwtSecretAsked, tenants: Mapping[str, TenantSettings], reach: Reach, now: datetime
) -> dict[str, Any]:
    """Return the answer: the secret as an object and as text, what is doubtful, and what was found out."""
    proposal = _proposal(asked)
    options = options_for(
        asked.provider,
        asked.said(),
        proposal,
        tenant=asked.tenant,
        of_tenant=lambda: _of_tenant(asked.tenant, tenants),
    )
    secret = secret_for(options, proposal, reach, now, embed=asked.embed_key)
    kid = proposal.kid if proposal else None
    findings = check_keys(secret.config, reach, now, kid=kid) if asked.check else None
    return SecretReport(secret=secret, how=asked.format, proposal=proposal, findings=findings).as_json()


def _proposal(asked: JwtSecretAsked) -> Proposal | None:
    if asked.token is None:
        return None
    try:
        return proposal_from(asked.token.get_secret_value())
    except UsageError as error:
        raise PayloadInvalid([FieldFault("token", f"a JWT: {error.detail}")]) from None


def _of_tenant(named: str | None, tenants: Mapping[str, TenantSettings]) -> SecretOptions:
    key = next(iter(tenants)) if named is None and len(tenants) == 1 else named
    if key is None or key not in tenants:
        raise PayloadInvalid([FieldFault("tenant", f"one of {', '.join(sorted(tenants))}")])
    tenant = tenants[key]
    return tenant_options(
        issuer=str(tenant.issuer), audience=tenant.audience, claims_namespace=str(tenant.claims_namespace)
    )
