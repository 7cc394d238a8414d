"""localhasura: a Hasura-v2-compatible engine over PostgreSQL, for laptops and tests.

`LocalHasura` serves it over HTTP from this process; `python -m localhasura` is the same as a program:

    LocalHasura(*, database_url: str, admin_secret: str | None = None, jwt_secret: str | None = None,
                unauthorized_role: str | None = None, auth_hook: str | None = None,
                auth_hook_mode: str = "GET", port: int = 0, host: str = "127.0.0.1",
                metadata_database_url: str | None = None, stringify_numeric_types: bool = False,
                dev_mode: bool = False, threads: int = 16, environment: Mapping[str, str] | None = None)

with `.start()`, `.stop()`, `.url`, `.port`, and usable in a `with` statement. README.md beside this file says
what is covered and what is not.
"""

from localhasura.server import LocalHasura, StartError

__all__ = ["LocalHasura", "StartError"]
