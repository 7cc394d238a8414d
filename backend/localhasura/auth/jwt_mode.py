"""JWT mode: which of the configured secrets a request's token belongs to, and what the token grants."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from localhasura.auth.claims import HasuraClaims, hasura_claims
from localhasura.auth.jwks import JwksKeys
from localhasura.auth.jwt_secret import JwtSecret
from localhasura.auth.keys import Key
from localhasura.auth.token_location import token_at
from localhasura.auth.tokens import issuer_of, not_in_issuer, verified_claims
from localhasura.errors import EngineError


class JwtMode:
    """The secrets of one server with their keys. `start` fetches the key sets, `stop` ends their threads."""

    def __init__(self, secrets: Sequence[JwtSecret]) -> None:
        self.secrets = tuple(secrets)
        self._verifiers = tuple(_Verifier(secret) for secret in secrets)

    def start(self) -> None:
        for verifier in self._verifiers:
            if verifier.key_set is not None:
                verifier.key_set.start()

    def stop(self) -> None:
        for verifier in self._verifiers:
            if verifier.key_set is not None:
                verifier.key_set.stop()

    def claims(self, headers: Mapping[str, str]) -> HasuraClaims | None:
        """Return what the request's token grants, or None when there is no token; raises the error of a bad one."""
        found = [(each, token_at(headers, each.secret.header)) for each in self._verifiers]
        carried = [(each, token) for each, token in found if token is not None]
        if not carried:
            return None
        fitting = [(each, token) for each, token in carried if each.is_for(token)]
        if not fitting:
            raise not_in_issuer()
        if len(fitting) > 1:
            raise EngineError("invalid-headers", "Could not verify JWT: Multiple JWTs found")
        ((verifier, token),) = fitting
        return verifier.claims(token)


class _Verifier:
    """One secret and its keys."""

    def __init__(self, secret: JwtSecret) -> None:
        self.secret = secret
        self.key_set = None if secret.jwk_url is None else JwksKeys(secret.jwk_url)

    def is_for(self, token: str) -> bool:
        """Whether the token names the configured issuer, or one of the two says nothing of an issuer."""
        named = None if self.secret.issuer is None else issuer_of(token)
        return named is None or named == self.secret.issuer

    def claims(self, token: str) -> HasuraClaims:
        return hasura_claims(verified_claims(token, self._keys(), self.secret, time.time()), self.secret)

    def _keys(self) -> tuple[Key, ...]:
        if self.key_set is not None:
            return self.key_set.keys
        return () if self.secret.key is None else (self.secret.key,)
