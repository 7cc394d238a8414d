"""The generator of HASURA_GRAPHQL_JWT_SECRET: providers, embedded keys, formats, and a check of the key set."""

from __future__ import annotations

from frontdesk.hasura.jwt_secret.advice import unchecked_by_hasura, warnings_about
from frontdesk.hasura.jwt_secret.check import Finding, check_keys
from frontdesk.hasura.jwt_secret.fetch import ANYWHERE, Reach, fetch, origin_of
from frontdesk.hasura.jwt_secret.formats import FORMATS, SecretFormat, formatted, where_it_goes
from frontdesk.hasura.jwt_secret.from_token import Proposal, proposal_from
from frontdesk.hasura.jwt_secret.generator import generate, generate_embedded
from frontdesk.hasura.jwt_secret.options import EmbeddedKey, GeneratedSecret, SecretOptions, tenant_options
from frontdesk.hasura.jwt_secret.providers import PROVIDERS

__all__ = [
    "ANYWHERE",
    "FORMATS",
    "PROVIDERS",
    "EmbeddedKey",
    "Finding",
    "GeneratedSecret",
    "Proposal",
    "Reach",
    "SecretFormat",
    "SecretOptions",
    "check_keys",
    "fetch",
    "formatted",
    "generate",
    "generate_embedded",
    "origin_of",
    "proposal_from",
    "tenant_options",
    "unchecked_by_hasura",
    "warnings_about",
    "where_it_goes",
]
