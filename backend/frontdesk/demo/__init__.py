"""The demo: the product and the two stand-ins on one machine, for a laptop and for the tests.

This is the only room that may import `localhasura` and `localauth0`, and nothing imports this room but the
command line and the tests. Nothing here runs in production.
"""
