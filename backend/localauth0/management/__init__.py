"""The Management API, `/api/v2/…`: one module per kind of resource, over what `http.py` shares between them."""
