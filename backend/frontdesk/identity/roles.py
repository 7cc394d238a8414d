"""Which names may be a role in a token."""

from __future__ import annotations

import unicodedata

# Hasura gives the role `admin` every right, and `frontdesk` is the service's own. Neither is ever put in a token,
# whatever grants it, and no setting lifts that.
NEVER_IN_A_TOKEN = frozenset({"admin", "frontdesk"})


def is_forbidden_role(name: str) -> bool:
    """Say whether `name` reads as a role that no token may carry.

    Hasura compares roles exactly; this is stricter (case, width, spaces, invisible characters), so that no tool
    behind it that folds names can turn a harmless one into `admin`.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(c for c in folded if not c.isspace() and not unicodedata.category(c).startswith("C"))
    return visible in NEVER_IN_A_TOKEN


def is_role_name(name: str) -> bool:
    """Say whether `name` can be a role in a token: not empty, no control characters, not forbidden."""
    if not name or name != name.strip():
        return False
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in name):
        return False
    return not is_forbidden_role(name)
