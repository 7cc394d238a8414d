"""What speaks Auth0: hook signatures, parsing of Action payloads, rendering of Actions. It uses identity."""
