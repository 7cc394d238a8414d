"""Which category of log streams a type of record belongs to.

The category decides which filters let a record through; a type that is not listed belongs to `other`.

Source: Auth0 docs, "Log Event Filters", "Prioritized Log Streams".
"""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "other"
SECURITY = "security"  # not among the documented categories, and yet what a priority stream is given

# All that a prioritised stream carries.
PRIORITY = frozenset({
    "limit_mu", "limit_sul", "limit_wc", "pwd_leak", "signup_pwd_leak", "reset_pwd_leak", "ublkdu", "gd_send_sms",
})  # fmt: skip

_TYPES: Mapping[str, str] = {
    "auth.login.success": "s scoa sens sdel",
    "auth.login.fail": "f fp fu fcoa fens",
    "auth.login.notification": "w scv",
    "auth.logout.success": "slo oidc_backchannel_logout_succeeded universal_logout_succeeded",
    "auth.logout.fail": "flo oidc_backchannel_logout_failed universal_logout_failed federated_logout_failed",
    "auth.signup.success": "ss",
    "auth.signup.fail": "fs",
    "auth.silent_auth.success": "ssa sdelsa",
    "auth.silent_auth.fail": "fsa fdelsa",
    # `feta` is a failure, and is delivered as a success all the same.
    "auth.token_exchange.success": (
        "seacft seccft sepft sertft sede secte seoobft seotpft sercft sepkoobft sepkotpft sepkrcft seta sdeleacft "
        "ciba_exchange_succeeded idjag_exchange_succeeded success_on_behalf_of_token_exchange feta"
    ),
    "auth.token_exchange.fail": (
        "feacft feccft fepft fertft ferrt fede fecte feoobft feotpft fercft fepotpft fdeleacft ciba_exchange_failed "
        "idjag_exchange_failed jwt_bearer_exchange_failed failed_on_behalf_of_token_exchange"
    ),
    "management.success": "sapi mgmt_api_read",
    "management.fail": "fapi",
    "user.success": (
        "sce scp scpr scpn scu sd sdu srrt sui sv svr ss_sso_success connected_accounts_connection_succeeded "
        "connected_accounts_delete_succeeded my_account_authentication_method_succeeded"
    ),
    "user.fail": (
        "fce fcp fcpr fcpn fcu fcph fd fdeaz fdecc fdu fn fv fvr ss_sso_failure connected_accounts_connection_failed "
        "connected_accounts_delete_failed my_account_authentication_method_failed"
    ),
    "user.notification": (
        "cs ublkdu gd_start_enroll gd_enrollment_complete gd_unenroll gd_update_device_account ss_sso_info"
    ),
    "scim.event": "sscim fscim",
    "system.notification": (
        "api_limit api_limit_warning appi limit_wc limit_mu limit_phone limit_delegation fui fcpro depnote "
        "custom_domain_verification_failed directory_sync_started directory_sync_completed directory_sync_failed "
        "acul_sdk_notice"
    ),
    "actions": "actions_execution_failed",
}
_CATEGORIES = {code: category for category, codes in _TYPES.items() for code in codes.split()}

CATEGORIES = frozenset({*_TYPES, OTHER, SECURITY})


def category_of(code: str) -> str:
    return _CATEGORIES.get(code, OTHER)
