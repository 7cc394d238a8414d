"""Metadata: the JSON document, where it is kept, the commands that change it, and the model made from it."""
