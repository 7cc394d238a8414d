"""The HTTP service: the hooks that Auth0 calls, health and metrics. It uses sync and the rooms below it.

`frontdesk.web.app.create_app` makes the application, `frontdesk.web.server.run_server` serves it. Nothing is imported
here: the metrics library looks at its environment when it is loaded, which must be after gunicorn has set it.
"""
