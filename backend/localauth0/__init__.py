"""localauth0: an Auth0 tenant for laptops and tests."""
