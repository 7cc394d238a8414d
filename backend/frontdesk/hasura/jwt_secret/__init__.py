"""The generator of HASURA_GRAPHQL_JWT_SECRET: providers, embedded keys, formats, and a check of the key set."""

from __future__ import annotations

from frontdesk.hasura.jwt_secret.advice import unchecked_by_hasura, warnings_about
from frontdesk.hasura.jwt_secret.check import check_keys
from frontdesk.hasura.jwt_secret.fetch import ANYWHERE, Reach, fetch, origin_of
from frontdesk.hasura.jwt_secret.formats import FORMATS, SecretFormat, formatted
from frontdesk.hasura.jwt_secret.from_token import Proposal, proposal_from
from frontdesk.hasura.jwt_secret.generator import generate, generate_embedded
from frontdesk.hasura.jwt_secret.options import SecretOptions, tenant_options
from frontdesk.hasura.jwt_secret.providers import PROVIDERS
from frontdesk.hasura.jwt_secret.report import SecretReport
from frontdesk.hasura.jwt_secret.said import claims_map, options_for, secret_for, token_header, with_said

__all__ = [
    "ANYWHERE",
    "FORMATS",
    "PROVIDERS",
    "Proposal",
    "Reach",
    "SecretFormat",
    "SecretOptions",
    "SecretReport",
    "check_keys",
    "claims_map",
    "fetch",
    "formatted",
    "generate",
    "generate_embedded",
    "options_for",
    "origin_of",
    "proposal_from",
    "secret_for",
    "tenant_options",
    "token_header",
    "unchecked_by_hasura",
    "warnings_about",
    "with_said",
]
