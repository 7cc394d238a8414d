"""A JWT secret as the place that it goes to reads it.

The text is JSON, so whatever a quoting rule would trip over is written as a \\u escape of JSON instead: between single
quotes there is then nothing but plain text, for a shell, a dotenv file and YAML alike.
"""

from __future__ import annotations

from typing import Literal, get_args

from frontdesk.hasura.jwt_config import JwtConfig

VARIABLE = "HASURA_GRAPHQL_JWT_SECRET"
SecretFormat = Literal["json", "env", "compose", "kubernetes", "cloud"]
FORMATS: tuple[str, ...] = get_args(SecretFormat)
# A backslash that stands for itself goes first: what follows it is no escape.
_ESCAPES = {
    r"\\": r"\u005c",
    r"\"": r"\u0022",
    "'": r"\u0027",
    "${": r"\u0024{",
    "\x7f": r"\u007f",
}


def formatted(config: JwtConfig, how: SecretFormat) -> str:
    """Return the configuration in one of the formats, without a line end."""
    if how == "json":
        return config.text()
    text = _without_quoting(config.text())
    if how == "cloud":
        return text
    if how == "env":
        return f"{VARIABLE}='{text}'"
    if how == "compose":
        # Compose puts variables in for a single dollar, in quotes too.
        return (
            f"services:\n  graphql-engine:\n    environment:\n      {VARIABLE}: '{text.replace('$', '$$')}'"
        )
    return (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: hasura-jwt-secret\ntype: Opaque\n"
        f"stringData:\n  {VARIABLE}: '{text}'"
    )


def where_it_goes(how: SecretFormat) -> str | None:
    """Return what to do with a format that does not say so itself."""
    if how == "cloud":
        return f"Hasura Cloud: Project, Env vars, New Env Var; key {VARIABLE}, and as value the line without quotes."
    if how == "kubernetes":
        return "Apply it, and name it in the container: envFrom: [{secretRef: {name: hasura-jwt-secret}}]."
    return None


def _without_quoting(text: str) -> str:
    """Return the same JSON without a single quote, and without any backslash but those of \\n, \\t and \\u escapes.

    python-dotenv puts variables in for ${…} between single quotes too, and takes \\\\ there for one backslash.
    """
    for written, same in _ESCAPES.items():
        text = text.replace(written, same)
    return text
