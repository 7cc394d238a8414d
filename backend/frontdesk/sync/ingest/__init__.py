"""Deliveries of the inbox become rows: what each record means, in few mutations for many of them.

Uses auth0, hasura and store, and nothing of the other use cases but the reading of kept calls.
"""

from frontdesk.sync.ingest.ingest import Ingested, ingest
from frontdesk.sync.ingest.place import IngestPlace
from frontdesk.sync.ingest.settle import Settled, settle

__all__ = ["IngestPlace", "Ingested", "Settled", "ingest", "settle"]
