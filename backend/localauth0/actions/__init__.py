"""Actions: what the tenant has of them, and how they run.

`catalogue` knows the triggers, `library` keeps drafts, versions and flows, `runtime` keeps the Node process, `events`
builds what Actions see, `triggers` runs them and applies what they ask for.
"""
