"""Durable jobs: what `frontdesk worker` does at its times, through procrastinate's tables in frontdesk's own schema.

A module for each task; `worker.py` puts them together. Uses sync and the rooms below it.
"""

from frontdesk.jobs.worker import run_worker, worker_app

__all__ = ["run_worker", "worker_app"]
