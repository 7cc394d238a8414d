"""How the tenant sends its log: the parts of the tenant file that say how much at once, how often, and to whom.

Auth0 documents neither the size of a batch nor how often one is sent, nor its time-outs; so all of it can be set.

Source: Auth0 docs, "Log Streams"; auth0-extensions/auth0-logs-to-provider for the extension.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Seconds = Annotated[float, Field(ge=0, strict=False)]
_SomeSeconds = Annotated[float, Field(gt=0, strict=False)]


class _Part(BaseModel):
    """As everywhere in the tenant file, a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LogDelivery(_Part):
    """How log streams are sent.

    A batch has at most `max_records`, and waits for them for at most `flush_s`. It gets three attempts, `retry_s`
    apart; then the cycle begins again after `cycle_s`. A stream that has failed for `disable_after_s` is suspended.
    `json_object`: whether a body of the format JSONOBJECT is one record, or `{"logs": [...]}`. Streams to other
    hosts than this machine are kept and not sent, unless `to_other_machines`.
    """

    max_records: Annotated[int, Field(ge=1, le=10_000)] = 100
    flush_s: _Seconds = 0.2
    timeout_s: _SomeSeconds = 5.0
    retry_s: _Seconds = 1.0
    cycle_s: _Seconds = 5.0
    disable_after_s: _SomeSeconds = 7 * 86_400.0
    json_object: Literal["record", "logs"] = "record"
    to_other_machines: bool = False


class WebhookExtension(_Part):
    """The older extension "Auth0 Authentication API Webhooks": it reads the log and posts what it finds.

    `every_s` is five minutes at Auth0. A batch that `attempts` did not bring is skipped, and its records are lost.
    """

    webhook_url: str = Field(repr=False)
    authorization: str | None = Field(default=None, repr=False)
    batch_size: Annotated[int, Field(ge=1, le=100)] = 100
    send_as_batch: bool = True
    concurrent_calls: Annotated[int, Field(ge=1, le=50)] = 5
    log_types: list[str] = []
    start_from: str | None = None
    every_s: _SomeSeconds = 300.0
    run_s: _SomeSeconds = 22.0
    attempts: Annotated[int, Field(ge=1)] = 5
    timeout_s: _SomeSeconds = 5.0
