"""What Auth0's type codes of log records mean, in a word, and why something failed where the code alone says it.

Every code that Auth0 has published is here, also those of older lists; a code that is not keeps itself and has no
word. docs/reference/activities.md shows the table.
Source: Auth0 docs, "Log Event Type Codes", "Log Event Filters"; auth0/auth0-log-schemas; auth0-log-extension-tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

API_OPERATION = "api_operation"
SIGNUP = "signup"
DELETED = "deleted"
MEMBER_ADDED = "organization_member_added"

# An activity, and the codes that report it.
_CODES: Mapping[str, str] = {
    # Logins
    "login": "s",
    "cross_origin_login": "scoa",
    "native_social_login": "sens",
    "delegated_login": "sdel",
    "silent_login": "ssa sdelsa",
    "failed_login": "f fp fu fcoa fens fc",
    "failed_silent_login": "fsa fdelsa",
    "login_warning": "w",
    "credentials_validated": "scv",
    "login_assessed": "pla",
    "passwordless_sent": "cs cls",
    "passkey_challenged": "passkey_challenge_started",
    "failed_passkey_challenge": "passkey_challenge_failed",
    "origin_refused": "fco",
    # Logouts
    "logout": "slo",
    "backchannel_logout": "oidc_backchannel_logout_succeeded",
    "universal_logout": "universal_logout_succeeded",
    "failed_logout": "flo oidc_backchannel_logout_failed universal_logout_failed federated_logout_failed",
    # The life of an account
    SIGNUP: "ss",
    "failed_signup": "fs",
    "post_signup_hook_failed": "fpurh",
    DELETED: "sdu du",
    "failed_deletion": "fdu",
    "blocked": "limit_wc limit_sul",
    "unblocked": "ublkdu",
    "breached_password": "pwd_leak signup_pwd_leak reset_pwd_leak",
    "users_imported": "sui",
    "failed_users_import": "fui",
    "profile_warning": "wum",
    "provisioned": "sscim",
    "failed_provisioning": "fscim fcpro",
    # Changes of an account
    "email_changed": "sce",
    "password_changed": "scp",
    "password_change_requested": "scpr",
    "post_password_change_hook": "scph",
    "phone_changed": "scpn",
    "username_changed": "scu",
    "verified": "sv",
    "verification_requested": "svr",
    "failed_email_change": "fce",
    "failed_password_change": "fcp",
    "failed_password_change_request": "fcpr",
    "failed_post_password_change_hook": "fcph",
    "failed_phone_change": "fcpn",
    "failed_username_change": "fcu",
    "failed_verification": "fv",
    "failed_verification_request": "fvr",
    "account_connected": "connected_accounts_connection_succeeded",
    "account_disconnected": "connected_accounts_delete_succeeded",
    "failed_account_connection": "connected_accounts_connection_failed",
    "failed_account_disconnection": "connected_accounts_delete_failed",
    "authentication_method_changed": "my_account_authentication_method_succeeded",
    "failed_authentication_method_change": "my_account_authentication_method_failed",
    "failed_notification": "fn",
    "notification_warning": "wn",
    # Tokens
    "token_issued": "seacft seccft sepft sede secte seoobft seotpft sercft sepkoobft sepkotpft sepkrcft seta "
    "sdeleacft ciba_exchange_succeeded idjag_exchange_succeeded success_on_behalf_of_token_exchange",
    "token_refreshed": "sertft",
    "token_delegated": "sd",
    "refresh_token_revoked": "srrt",
    "failed_token_exchange": "feacft feccft fepft fede fecte feoobft feotpft fercft fepotpft feta fdeleacft "
    "ciba_exchange_failed idjag_exchange_failed jwt_bearer_exchange_failed failed_on_behalf_of_token_exchange",
    "failed_token_refresh": "fertft",
    "refresh_token_reused": "ferrt",
    "failed_token_delegation": "fd",
    "failed_device_authorization": "fdeaz fdecc fdeac",
    "failed_pushed_authorization": "fpar",
    "ciba_started": "ciba_start_succeeded",
    "failed_ciba_start": "ciba_start_failed",
    "consents_refused": "rich_consents_access_error",
    # More than one factor
    "mfa_required": "mfar",
    "mfa_started": "gd_start_auth",
    "mfa_succeeded": "gd_auth_succeed",
    "mfa_failed": "gd_auth_failed gd_webauthn_challenge_failed gd_auth_fail_email_verification",
    "mfa_rejected": "gd_auth_rejected",
    "mfa_email_verified": "gd_auth_email_verification",
    "mfa_enrollment_started": "gd_start_enroll",
    "mfa_enrolled": "gd_enrollment_complete",
    "mfa_enrollment_failed": "gd_start_enroll_failed gd_webauthn_enrollment_failed too_many_records",
    "mfa_unenrolled": "gd_unenroll",
    "mfa_user_deleted": "gd_user_delete",
    "mfa_device_updated": "gd_update_device_account",
    "mfa_rate_limited": "gd_otp_rate_limit_exceed gd_recovery_rate_limit_exceed",
    "mfa_recovered": "gd_recovery_succeed",
    "mfa_recovery_failed": "gd_recovery_failed",
    "mfa_sent": "gd_send_email gd_send_email_verification gd_send_pn gd_send_sms gd_send_voice",
    "mfa_sending_failed": "gd_send_email_verification_failure gd_send_pn_failure gd_send_sms_failure "
    "gd_send_voice_failure",
    "mfa_settings_changed": "gd_tenant_update gd_module_switch",
    # Organizations
    MEMBER_ADDED: "organization_member_added",
    "invitation_accepted": "si",
    "failed_invitation": "fi",
    # What administrators and applications do
    API_OPERATION: "sapi",
    "failed_api_operation": "fapi",
    "secrets_read": "mgmt_api_read",
    "actions_failed": "actions_execution_failed",
    "flow_completed": "flows_execution_completed",
    "flow_failed": "flows_execution_failed",
    "form_submitted": "forms_submission_succeeded",
    "failed_form_submission": "forms_submission_failed",
    "self_service_sso": "ss_sso_success ss_sso_info",
    "failed_self_service_sso": "ss_sso_failure",
    # The tenant as such
    "rate_limited": "api_limit limit_delegation limit_phone limit_ui",
    "rate_limit_warning": "api_limit_warning",
    "peak_performance_started": "appi",
    "ip_blocked": "limit_mu",
    "deprecation_notice": "depnote acul_sdk_notice",
    "failed_domain_verification": "custom_domain_verification_failed",
    "directory_sync_started": "directory_sync_started",
    "directory_synced": "directory_sync_completed",
    "failed_directory_sync": "directory_sync_failed",
    "access_control_summary": "acls_summary",
    "resources_cleaned_up": "resource_cleanup",
    "keys_managed": "kms_key_management_success kms_key_state_changed",
    "failed_key_management": "kms_key_management_failure",
    "connector_online": "con",
    "connector_offline": "coff",
    "admin_update_launched": "admin_update_launch",
    "system_updated": "sys_os_update_start sys_os_update_end sys_update_start sys_update_end",
}

ACTIVITIES: Mapping[str, str] = {code: word for word, codes in _CODES.items() for code in codes.split()}

# Why, where the code says it; of other codes the record's own words are the reason.
REASONS: Mapping[str, str] = {
    "fp": "wrong_password",
    "fu": "unknown_user",
    "fcoa": "cross_origin_authentication",
    "fens": "native_social_login",
    "fc": "connector",
    "limit_wc": "too_many_failures_from_one_ip",
    "limit_sul": "too_many_logins_from_one_ip",
    "limit_mu": "too_many_failures_or_signups",
    "pwd_leak": "at_login",
    "signup_pwd_leak": "at_signup",
    "reset_pwd_leak": "at_password_reset",
    "fertft": "expired_or_revoked",
    "ferrt": "rotation_reuse",
    "fdecc": "cancelled_by_user",
    "too_many_records": "too_many_authenticators",
}

# What the log says when it does not report a success: records' own words are worth keeping as the reason.
_TROUBLE = ("failed", "blocked", "breached", "rate_limit", "refused", "warning", "mfa_rejected")


def activity_of(code: str) -> str | None:
    """Return what a log code means, in a word; None for one that is not known."""
    return ACTIVITIES.get(code)


def tells_a_reason(activity: str | None) -> bool:
    """Tell whether records of this activity say why something went wrong."""
    return activity is not None and any(word in activity for word in _TROUBLE)


# The types of Event Streams: what they mean, and whether they count. One does not when a log record of its own kind
# tells the same act, so that tenants with both streams count it once. There is no log code for a changed profile.
# Source: Auth0 docs, event catalog; Management OpenAPI, EventStreamEventTypeEnum.
EVENTS: Mapping[str, tuple[str, bool]] = {
    "user.created": (SIGNUP, False),
    "user.updated": ("user_updated", True),
    "user.deleted": (DELETED, False),
    "organization.created": ("organization_created", True),
    "organization.updated": ("organization_updated", True),
    "organization.deleted": ("organization_deleted", True),
    "organization.connection.added": ("organization_connection_added", True),
    "organization.connection.updated": ("organization_connection_updated", True),
    "organization.connection.removed": ("organization_connection_removed", True),
    "organization.member.added": (MEMBER_ADDED, False),
    "organization.member.deleted": ("organization_member_removed", True),
    "organization.member.role.assigned": ("organization_role_assigned", True),
    "organization.member.role.deleted": ("organization_role_removed", True),
    "organization.group.role.assigned": ("organization_group_role_assigned", True),
    "organization.group.role.deleted": ("organization_group_role_removed", True),
    "group.created": ("group_created", True),
    "group.updated": ("group_updated", True),
    "group.deleted": ("group_deleted", True),
    "group.member.added": ("group_member_added", True),
    "group.member.deleted": ("group_member_removed", True),
    "group.role.assigned": ("group_role_assigned", True),
    "group.role.deleted": ("group_role_removed", True),
}


def words() -> Iterable[str]:
    """Return every word of an activity, each once."""
    return dict.fromkeys((*_CODES, *(word for word, _ in EVENTS.values())))
