"""Sign-in of the person at this machine, for one token: in the browser, on another device, or as an application."""

from frontdesk.auth0.sign_in.browser import CALLBACK_PORT, WAIT_S, sign_in_with_browser
from frontdesk.auth0.sign_in.device import DeviceCode, sign_in_with_device
from frontdesk.auth0.sign_in.endpoints import SCOPE, Application, SignedIn, client_credentials

__all__ = [
    "CALLBACK_PORT",
    "SCOPE",
    "WAIT_S",
    "Application",
    "DeviceCode",
    "SignedIn",
    "client_credentials",
    "sign_in_with_browser",
    "sign_in_with_device",
]
