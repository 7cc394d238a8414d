"""Whether an import goes on with an unfinished one, or begins anew."""

from __future__ import annotations

from frontdesk.errors import UsageError
from frontdesk.store.passes import TENANT_SOURCE, Passes, PassKind, RunningPass
from frontdesk.sync.importing.desk import ImportOrder
from frontdesk.sync.importing.listener import Listener


def unfinished_import(
    passes: Passes, tenant: str, order: ImportOrder, listener: Listener
) -> RunningPass | None:
    """Return the import to go on with; None when one is to begin. The caller holds the tenant's lock.

    Raises UsageError when another import is unfinished than the one that is asked for.
    """
    found = passes.running(tenant, PassKind.IMPORT)
    if order.restart or order.from_stdin:
        for run in found:
            run.drop()
            listener.note(f"Dropped the unfinished {_named(run)}.")
        return None
    other = next((run for run in found if run.facts.source != order.source or _differs(run, order)), None)
    if other is not None and not other.counts["records"]:
        other.drop()  # no user of it is done, so nothing is lost
        return unfinished_import(passes, tenant, order, listener)
    if other is not None:
        raise UsageError(
            f"the {_named(other)} is unfinished: `{_command(other)}` goes on with it, and --restart drops "
            "it and begins anew"
        )
    return found[0] if found else None


def _differs(run: RunningPass, order: ImportOrder) -> bool:
    asked = run.detail["asked"]
    return (
        (order.way is not None and order.way != run.facts.way)
        or asked["roles"] != order.roles
        or asked["organizations"] != order.organizations
    )


def _named(run: RunningPass) -> str:
    source = "" if run.facts.source == TENANT_SOURCE else f" from {run.facts.source}"
    return (
        f"import of the tenant {run.facts.tenant}{source} by the way `{run.facts.way}`, begun at "
        f"{run.facts.started_at:%Y-%m-%d %H:%M} ({run.counts['records']:,} records done)"
    )


def _command(run: RunningPass) -> str:
    asked = run.detail["asked"]
    parts = ["frontdesk import --tenant", run.facts.tenant]
    parts += (
        ["--way", str(run.facts.way)] if run.facts.source == TENANT_SOURCE else ["--from", run.facts.source]
    )
    parts += [f"--no-{name}" for name in ("roles", "organizations") if not asked[name]]
    return " ".join(parts)
