"""`frontdesk jwt-secret`: what Hasura verifies the tenant's tokens with."""

from __future__ import annotations

from typing import Annotated

import typer

from frontdesk.hasura.jwt_secret import jwt_secret
from frontdesk.settings import load_settings


def command(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; not needed when there is only one.")
    ] = None,
) -> None:
    """Print the value of HASURA_GRAPHQL_JWT_SECRET for an Auth0 tenant of the settings.

    Example: frontdesk jwt-secret
    """
    _, chosen = load_settings().tenant(tenant)
    typer.echo(
        jwt_secret(
            issuer=str(chosen.issuer),
            audience=chosen.audience,
            claims_namespace=str(chosen.claims_namespace),
        )
    )
