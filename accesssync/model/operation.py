"""What accesssync can write, by the names that the settings, plans and reports use, and what each needs."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Operation(StrEnum):
    """One kind of write. None is sent that `ACCESSSYNC_ALLOWED_OPERATIONS` does not name."""

    CREATE_USER = "create_user"
    """A user that carries a role needs GRANT_ROLE as well."""
    UPDATE_USER = "update_user"
    DISABLE_USER = "disable_user"
    ENABLE_USER = "enable_user"
    SEND_INVITATION = "send_invitation"
    DELETE_INVITATION = "delete_invitation"
    GRANT_ROLE = "grant_role"
    REVOKE_ROLE = "revoke_role"
    CREATE_SERVICE_ACCOUNT = "create_service_account"
    CREATE_APPLICATION_KEY = "create_application_key"
    UPDATE_APPLICATION_KEY = "update_application_key"
    REVOKE_APPLICATION_KEY = "revoke_application_key"
    REVOKE_API_KEY = "revoke_api_key"
    REVOKE_ACCESS_TOKEN = "revoke_access_token"  # noqa: S105 - a name
    REVOKE_OAUTH_AUTHORIZATION = "revoke_oauth_authorization"
    SEND_LOG = "send_log"
    SEND_EVENT = "send_event"
    SEND_METRIC = "send_metric"
    SEND_WEBHOOK = "send_webhook"
    WRITE_DASHBOARD = "write_dashboard"
    WRITE_PIPELINE = "write_pipeline"
    WRITE_DETECTION_RULE = "write_detection_rule"
    WRITE_MONITOR = "write_monitor"


PROVISIONING: Mapping[Operation, tuple[str, ...]] = MappingProxyType(
    {
        Operation.CREATE_USER: ("user_access_invite",),
        Operation.UPDATE_USER: ("user_access_manage",),
        Operation.DISABLE_USER: ("user_access_manage",),
        Operation.ENABLE_USER: ("user_access_manage",),
        Operation.SEND_INVITATION: ("user_access_invite",),
        Operation.DELETE_INVITATION: ("user_access_invite",),
        Operation.GRANT_ROLE: ("user_access_manage",),
        Operation.REVOKE_ROLE: ("user_access_manage",),
        Operation.CREATE_SERVICE_ACCOUNT: ("service_account_write",),
        Operation.CREATE_APPLICATION_KEY: ("service_account_write",),
        Operation.UPDATE_APPLICATION_KEY: ("org_app_keys_write",),
        Operation.REVOKE_APPLICATION_KEY: ("org_app_keys_write",),
        Operation.REVOKE_API_KEY: ("api_keys_delete",),
        Operation.REVOKE_ACCESS_TOKEN: ("org_app_keys_write", "service_account_write"),
        Operation.REVOKE_OAUTH_AUTHORIZATION: ("org_authorized_apps_write",),
    }
)
"""What the provisioning key sends, with the permissions that its scopes and its owner's roles must carry."""

PUBLISHING: Mapping[Operation, tuple[str, ...]] = MappingProxyType(
    {
        Operation.SEND_LOG: (),
        Operation.SEND_EVENT: (),
        Operation.SEND_METRIC: (),
        Operation.SEND_WEBHOOK: (),
        Operation.WRITE_DASHBOARD: ("dashboards_read", "dashboards_write"),
        Operation.WRITE_PIPELINE: ("logs_read_config", "logs_write_pipelines"),
        Operation.WRITE_DETECTION_RULE: ("security_monitoring_rules_read", "security_monitoring_rules_write"),
        Operation.WRITE_MONITOR: ("monitors_read", "monitors_write"),
    }
)
"""What is sent to publish, with the permissions of the publishing key; without any, the API key is enough."""

NEEDS: Mapping[Operation, tuple[str, ...]] = MappingProxyType({**PROVISIONING, **PUBLISHING})
"""Every operation with the permissions that it needs."""
