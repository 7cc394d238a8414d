"""the HTTP service. It uses sync and the rooms below it."""
