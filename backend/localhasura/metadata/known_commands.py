"""Names of Hasura's metadata commands that are not served here: they are refused by name, never taken for typos."""

from __future__ import annotations

_OTHER_DATABASES = ("mssql_", "bigquery_", "citus_", "cockroach_", "dataconnector_", "mysql_")

_OF_SOURCES = """
    add_computed_field cleanup_event_trigger_logs create_event_trigger create_function_permission
    create_logical_model_select_permission create_remote_relationship delete_event_trigger delete_remote_relationship
    drop_computed_field drop_function_permission drop_logical_model_select_permission get_event_by_id
    get_event_invocation_logs get_event_logs get_logical_model get_native_query get_source_trackables
    get_stored_procedure get_table_info invoke_event_trigger pause_event_trigger_cleanup redeliver_event
    resume_event_trigger_cleanup set_apollo_federation_config set_function_customization suggest_relationships
    test_connection_template track_function track_functions track_logical_model track_native_query
    track_stored_procedure untrack_function untrack_logical_model untrack_native_query untrack_stored_procedure
    update_remote_relationship update_source
"""
"""Commands with the prefix of a source's kind; for PostgreSQL `pg_`."""

_OF_THE_WHOLE = """
    add_host_to_tls_allowlist
    add_remote_schema add_remote_schema_permissions create_action create_action_permission create_cron_trigger
    create_remote_schema_remote_relationship create_rest_endpoint create_scheduled_event
    dc_add_agent dc_delete_agent delete_cron_trigger delete_remote_schema_remote_relationship delete_scheduled_event
    drop_action drop_action_permission drop_host_from_tls_allowlist drop_remote_schema_permissions
    drop_rest_endpoint dump_internal_state get_cron_triggers get_feature_flag get_scheduled_event_invocations
    get_scheduled_events get_source_kind_capabilities introspect_remote_schema reload_remote_schema
    remove_api_limits remove_metrics_config remove_remote_schema set_api_limits
    set_custom_types set_metrics_config set_opentelemetry_config set_opentelemetry_status set_query_tags
    test_webhook_transform update_action update_remote_schema update_remote_schema_remote_relationship
"""

OF_SOURCES, OF_THE_WHOLE = frozenset(_OF_SOURCES.split()), frozenset(_OF_THE_WHOLE.split())
NOT_SUPPORTED = frozenset(f"pg_{name}" for name in OF_SOURCES) | OF_THE_WHOLE


def is_known_elsewhere(kind: str) -> bool:
    """Whether Hasura knows the command, in today's API or under its older name, and this engine does not."""
    return kind in NOT_SUPPORTED or kind in OF_SOURCES or kind.startswith(_OTHER_DATABASES)
