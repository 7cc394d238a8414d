"""auth0-deploy-cli, Auth0's own tool, imports a rendered folder into a tenant and exports it again.

It speaks https alone, so a front with a certificate of its own stands before the tenant.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.foreign_clients import INSTALL_COMMAND, INSTALLED, is_installed
from tests.foreign_clients.tls_front import https_front
from tests.integration.auth0.action_tenant import (
    CLIENT_ID,
    CLIENT_SECRET,
    CREDENTIALS,
    HOOK_SECRET,
    Tenant,
    a_tenant_of_machines,
    our_actions,
)
from tests.node_versions import node_binary

from frontdesk.auth0.action_formats import Format, SecretsMode, rendered_files, write_files
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from localauth0 import LocalAuth0

A0DEPLOY = INSTALLED / "auth0-deploy-cli" / "lib" / "index.js"
RUN_LIMIT_S = 240.0  # it compiles the schemas of all resources first, for many seconds of one core

pytestmark = pytest.mark.skipif(
    not (is_installed() and A0DEPLOY.exists()),
    reason=f"auth0-deploy-cli is not installed; `{INSTALL_COMMAND}` fetches it",
)


def a0deploy(folder: Path, variables: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [node_binary(22), A0DEPLOY, *arguments],
        cwd=folder,
        env={"HOME": str(folder), "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rendered_folder_is_imported_as_it_is_and_exported_again(tmp_path: Path) -> None:
    """One Action gets its secret from a0deploy's mapping, the other leaves it to `frontdesk actions deploy`."""
    mapped, left_out = our_actions("post-login", "post-user-registration")
    config = tmp_path / "config"
    write_files(config, rendered_files([mapped], Format.AUTH0_DEPLOY_CLI, secrets=SecretsMode.MAPPED))
    write_files(config, rendered_files([left_out], Format.AUTH0_DEPLOY_CLI))
    secrets = [{"name": name, "value": value} for name, value in mapped.secrets.items()]
    with (
        LocalAuth0(tenant=a_tenant_of_machines()) as running,
        https_front(int(running.url.rpartition(":")[2]), tmp_path) as (domain, certificate),
        ManagementApi(running.url, CREDENTIALS) as api,
    ):
        tenant = Tenant(api)
        variables = {
            "AUTH0_DOMAIN": domain,
            "AUTH0_CLIENT_ID": CLIENT_ID,
            "AUTH0_CLIENT_SECRET": CLIENT_SECRET,
            "AUTH0_AUDIENCE": f"{running.url}/api/v2/",
            "AUTH0_INCLUDED_ONLY": json.dumps(["actions", "triggers"]),
            "AUTH0_KEYWORD_REPLACE_MAPPINGS": json.dumps({"FRONTDESK_SECRETS": secrets}),
            "NODE_EXTRA_CA_CERTS": str(certificate),
        }

        a0deploy(tmp_path, variables, "import", f"--input_file={config}")

        assert tenant.flow("post-login") == [mapped.title]
        assert tenant.flow("post-user-registration") == [left_out.title]
        first, second, *flows = tenant.plan([mapped, left_out]).steps
        assert first.kind is StepKind.KEEP
        assert "cannot be seen" in first.detail
        assert second.detail == "it lacks the secret FRONTDESK_HOOK_SECRET"
        assert {step.kind for step in flows} == {StepKind.KEEP}

        tenant.deploy([mapped, left_out], resend_secrets=True)
        a0deploy(
            tmp_path,
            variables,
            "export",
            "--format=directory",
            f"--output_folder={tmp_path / 'exported'}",
        )

        for action in (mapped, left_out):
            record = json.loads((tmp_path / "exported" / "actions" / f"{action.title}.json").read_text())
            code = (tmp_path / "exported" / record["code"]).read_text()
            assert record["deployed"] is True
            assert record["supported_triggers"] == [
                {"id": action.trigger_id, "version": action.trigger_version}
            ]
            assert code == tenant.held(action.title).deployed_code
            assert HOOK_SECRET not in json.dumps(record) + code
