"""The HTTP side: each module answers one family of paths by calling the behaviour modules beside this package."""
