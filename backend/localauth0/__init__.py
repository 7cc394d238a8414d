"""localauth0: an Auth0 tenant for laptops and tests.

It speaks the public contracts of Auth0 over HTTP on loopback and runs Actions in Node. It imports nothing of frontdesk.
The rooms: `routes/` turns HTTP into calls, the modules beside it hold behaviour and state, `actions/` runs Actions,
`errors.py` holds Auth0's own codes and wording. README.md says what is covered and what is not.
"""

from localauth0.server import LocalAuth0

__all__ = ["LocalAuth0"]
