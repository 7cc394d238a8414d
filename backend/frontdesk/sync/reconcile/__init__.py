"""Reconcile: what differs between a tenant and its rows in Hasura, and its repair.

A pass reads roles, organizations and everybody into frontdesk's own database, compares the rows with that page by page,
and, when asked to, repairs. docs/architecture.md, "Everyone", tells what is drift and what stops a repair.
"""

from frontdesk.sync.reconcile.order import Order
from frontdesk.sync.reconcile.place import Place, place_of
from frontdesk.sync.reconcile.report import Drift, Report
from frontdesk.sync.reconcile.run import reconcile

__all__ = ["Drift", "Order", "Place", "Report", "place_of", "reconcile"]
