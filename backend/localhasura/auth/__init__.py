"""Who asks: the admin secret, JSON Web Tokens, the unauthorized role. Errors are Hasura's, word for word."""

from localhasura.auth.authenticator import Authenticator
from localhasura.auth.jwt_secret import JwtSecret, JwtSecretError, parse_jwt_secret

__all__ = ["Authenticator", "JwtSecret", "JwtSecretError", "parse_jwt_secret"]
