"""Runs Actions: `runtime` keeps the Node process, `events` builds what they see, `triggers` applies what they ask."""
