"""Who asks: the admin secret, JSON Web Tokens, a web hook, the unauthorized role. Errors are Hasura's."""

from localhasura.auth.authenticator import Authenticator
from localhasura.auth.hook import AuthHook, AuthHookError
from localhasura.auth.jwt_secret import JwtSecret, JwtSecretError, parse_jwt_secret, parse_jwt_secrets

__all__ = [
    "AuthHook",
    "AuthHookError",
    "Authenticator",
    "JwtSecret",
    "JwtSecretError",
    "parse_jwt_secret",
    "parse_jwt_secrets",
]
