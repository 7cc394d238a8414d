"""One GraphQL request: its document, its variables, and the walk over its selection sets."""
