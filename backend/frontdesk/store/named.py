"""How an id may stand in what somebody else wrote: in JSON, in a URL within it, or plainly."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

_AS_JAVASCRIPT = "!'()*"  # what encodeURIComponent leaves as it is, and others do not


def written_forms(user_id: str) -> list[str]:
    """Return the texts of which one stands wherever the id does: as it is, JSON-escaped, percent-encoded."""
    escaped = json.dumps(user_id)[1:-1]
    plain = json.dumps(user_id, ensure_ascii=False)[1:-1]
    in_json = {user_id, plain, escaped, _upper_escapes(escaped)}
    encoded = {quote(user_id, safe=safe) for safe in ("", _AS_JAVASCRIPT, "|", "/")}
    encoded |= {re.sub("%..", lambda found: found[0].lower(), each) for each in encoded}
    encoded |= {quote(each, safe="") for each in encoded}  # a URL within a URL
    forms = in_json | encoded
    return sorted(forms | {form.replace("/", "\\/") for form in forms})


def _upper_escapes(text: str) -> str:
    return re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), text)
