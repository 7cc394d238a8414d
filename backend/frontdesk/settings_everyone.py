"""The sections of the settings on everybody of a tenant: how they are read, compared and written, and whom not."""

from __future__ import annotations

from frontdesk.settings_model import Section, setting
from frontdesk.settings_types import ConnectionNames, Cron, MetadataConditions


class ImportSettings(Section):
    """How everybody of a tenant is read and written."""

    batch_rows: int = setting(
        500, expected="a number from 1 to 2000", help="Rows of one mutation.", ge=1, le=2000
    )
    batch_budget_s: float = setting(
        30.0, expected="seconds from 1 to 300", help="How long one mutation may take.", ge=1, le=300
    )
    job_from_users: int = setting(
        5000,
        expected="a number from 1001 to 1000000",
        help="From so many users on, an export job is asked for; below it, windows of the search.",
        ge=1001,
        le=1_000_000,
    )
    job_wait_s: float = setting(
        7200.0,
        expected="seconds from 60 to 86400",
        help="How long an export job may take. The same command goes on waiting for it afterwards; Auth0 keeps it for "
        "a day.",
        ge=60,
        le=86_400,
    )


class ReconcileSettings(Section):
    """Looking for drift between tenant and Hasura, and repairing it."""

    schedule: Cron = setting(
        "0 */4 * * *",
        expected="a cron string of five fields such as 0 */4 * * *, or an empty one",
        help="When `frontdesk worker` looks at each tenant, in UTC; empty: never.",
    )
    repair: bool = setting(
        True,
        expected="true or false",
        help="Whether the scheduled run repairs what it finds, or reports alone.",
    )
    brake_percent: float = setting(
        1.0,
        expected="a percentage from 0 to 100",
        help="A repair that would take away more than this part of a tenant's rows, and more than `brake_rows` of "
        "them, stops until somebody accepts it.",
        ge=0,
        le=100,
    )
    brake_rows: int = setting(
        10, expected="a number of rows", help="See `brake_percent`.", ge=0, le=1_000_000_000
    )


class QueueSettings(Section):
    """What is acknowledged and on its way to Hasura."""

    max_waiting: int = setting(
        50_000,
        expected="a number from 100 to 10000000",
        help="So many deliveries may wait; then streams get 503, which Auth0 repeats. Logins may fill it twice as far.",
        ge=100,
        le=10_000_000,
    )
    max_waiting_mb: int = setting(
        2048,
        expected="megabytes from 32 to 1000000",
        help="So large may the bodies be that wait; see `max_waiting`.",
        ge=32,
        le=1_000_000,
    )
    keep_days: int = setting(
        7,
        expected="days from 0 to 365",
        help="How long the bodies of finished deliveries stay for `frontdesk replay`; 0: not at all.",
        ge=0,
        le=365,
    )
    give_up_after_h: float = setting(
        72.0,
        expected="hours from 0.1 to 720",
        help="How long a job is tried again before it is set aside for people (`frontdesk jobs list`).",
        ge=0.1,
        le=720,
    )


class StreamSettings(Section):
    """What Auth0's log stream and event stream bring."""

    activities_days: int = setting(
        365,
        expected="days from 1 to 3650",
        help="How long rows stay in `auth_activities`.",
        ge=1,
        le=3650,
    )
    watch: bool = setting(
        True,
        expected="true or false",
        help="Whether `frontdesk worker` looks for gaps of the log stream at Auth0 every five minutes, and fills them.",
    )
    pull_events: bool = setting(
        False,
        expected="true or false",
        help="Whether `frontdesk worker` reads Auth0's Events API beside the event stream, where the plan has it.",
    )


class FilterSettings(Section):
    """Who is written at all, on every way in; all parts have to be met, and without any everybody is."""

    verified_only: bool = setting(
        False,
        expected="true or false",
        help="Only who has verified their e-mail, or their phone when they have no e-mail.",
    )
    connections: ConnectionNames = setting(
        (),
        expected="a list of names of connections",
        help="Only who comes in by one of these connections. Empty: by any.",
        examples=[["Username-Password-Authentication", "google-oauth2"]],
    )
    metadata: MetadataConditions = setting(
        {},
        expected="a table from paths below app_metadata or user_metadata to values",
        help="Only who has each of these values in their metadata; where a list stands, it has to hold the value.",
        examples=[{"app_metadata.plan": "pro"}],
    )
