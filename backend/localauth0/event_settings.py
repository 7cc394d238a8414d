"""How the tenant sends its events: the part of the tenant file with the numbers of event streams and of `GET /events`.

Source: Auth0 docs, "Event Streams", "Events Best Practices", "Consume Events with the Events API"; what they do not
tell (the time-out, the type of the content, how long events are kept) can be set.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_SomeSeconds = Annotated[float, Field(gt=0, strict=False)]
_Count = Annotated[int, Field(ge=1)]


class EventDelivery(BaseModel):
    """How event streams and the Events API behave.

    A request that fails, other than by a 4xx, is sent again after 1, 2 and 4 s, times `backoff_factor`. A stream is
    disabled after `disable_after_in_row` failed deliveries in a row, or `disable_after_failed` that lie about failed.
    `keep_events` is how many events `GET /events` can go back, `keep_alive_s` how often it tells its offset, and
    `connection_s` how long it lasts; without `connections` the plan of the rate limit says how many there may be at
    once. Streams to other hosts than this machine are not sent, unless `to_other_machines`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    attempts: _Count = 4
    backoff_factor: Annotated[float, Field(ge=0, strict=False)] = 1.0
    timeout_s: _SomeSeconds = 10.0
    content_type: Literal["application/json", "application/cloudevents+json"] = "application/json"
    senders: Annotated[int, Field(ge=1, le=64)] = 8
    disable_after_in_row: _Count = 500
    disable_after_failed: _Count = 5_000
    keep_events: _Count = 10_000
    keep_alive_s: _SomeSeconds = 10.0
    connection_s: _SomeSeconds = 3_600.0
    connections: Annotated[int, Field(ge=1, le=8)] | None = None
    to_other_machines: bool = False
