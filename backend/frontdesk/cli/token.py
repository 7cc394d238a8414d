"""`frontdesk token`: why Hasura refuses a token, a query with it, and a token to begin with."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.auth0.sign_in import (
    CALLBACK_PORT,
    SCOPE,
    WAIT_S,
    Application,
    DeviceCode,
    client_credentials,
    sign_in_with_browser,
    sign_in_with_device,
)
from frontdesk.cli.token_inputs import (
    STDIN,
    Place,
    base_url,
    engine_at,
    moment_of,
    object_of,
    read_input,
    read_token,
    refuse_stdin_twice,
    settings_here,
    tenant_engine,
)
from frontdesk.cli.token_report import (
    diagnosis_json,
    hand_over,
    print_diagnosis,
    print_json,
    refuse_unwritable,
)
from frontdesk.errors import UsageError
from frontdesk.hasura.bearer import BearerAnswer, query_as_bearer
from frontdesk.hasura.token_doctor import (
    Diagnosis,
    Verdict,
    compared,
    diagnose,
    explained,
    refusal_in,
    token_in,
)
from frontdesk.settings import TenantSettings, load_settings

app = typer.Typer(
    help="Why Hasura refuses a token, queries with it, and a token to begin with.", no_args_is_help=True
)

_TENANT_HELP = "The tenant's key in the settings; without it the only one, or the token's issuer."
_PROBE = "{__typename}"

Text = str | None


@app.command()
def inspect(
    token: Annotated[
        Text, typer.Argument(help="The token; it stays in the shell's history, so rather use --file.")
    ] = None,
    file: Annotated[
        Text, typer.Option(help="A file with the token; - is standard input, as without.")
    ] = None,
    role: Annotated[Text, typer.Option(help="The role that the request asks for (x-hasura-role).")] = None,
    jwt_secret_file: Annotated[
        Text, typer.Option(help="A file with the value of HASURA_GRAPHQL_JWT_SECRET (- for standard input).")
    ] = None,
    env_file: Annotated[Text, typer.Option(help="A file with HASURA_GRAPHQL_JWT_SECRET=….")] = None,
    tenant: Annotated[Text, typer.Option(help=_TENANT_HELP)] = None,
    hasura: Annotated[
        Text, typer.Option(help="URL of a running Hasura, to ask where it looks for claims.")
    ] = None,
    admin_secret_file: Annotated[
        Text, typer.Option(help="That Hasura's admin secret, if it is not the one of the settings.")
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Ask that Hasura with the token itself.")] = False,
    now: Annotated[Text, typer.Option(help="Judge as of this time: seconds since 1970, or ISO 8601.")] = None,
    all_claims: Annotated[
        bool, typer.Option("--all-claims", help="Show the values of all claims; they may be personal.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 too when Hasura accepts what it should not.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether Hasura takes a token, why not, and what to change.

    The token comes from standard input, or from --file. It is judged by the JWT secret that you give, by a running
    Hasura, or by what `frontdesk jwt-secret` prints for the tenant of the settings.

    Example: frontdesk token inspect --file token.txt --role editor
    """
    source = STDIN if token in (None, STDIN) and file is None else file
    refuse_stdin_twice(
        **{
            "the token": source,
            "--jwt-secret-file": jwt_secret_file,
            "--env-file": env_file,
            "--admin-secret-file": admin_secret_file,
        }
    )
    if probe and hasura is None:
        raise UsageError("--probe asks a running Hasura: give its URL with --hasura")
    text = read_token(token, file)
    place = Place(
        jwt_secret_file=jwt_secret_file,
        env_file=env_file,
        tenant=tenant,
        hasura=hasura,
        admin_secret_file=admin_secret_file,
    )
    engine = engine_at(place, text)
    found = diagnose(text, engine, now=moment_of(now), role=role)
    if probe and hasura is not None:
        url = base_url("--hasura", hasura)
        # As it was pasted, on one line: what is around the token is what the doctor judges too.
        carried = " ".join(text.split())
        answer = query_as_bearer(url, carried, _PROBE, role=role, header=engine.config.header)
        found = compared(found, answer, url)
    if as_json:
        print_json(diagnosis_json(found, engine, all_claims=all_claims))
    else:
        print_diagnosis(found, engine, all_claims=all_claims)
    raise typer.Exit(_exit_code(found, strict=strict))


@app.command()
def query(
    document: Annotated[Text, typer.Argument(metavar="[QUERY]", help="The GraphQL query.")] = None,
    file: Annotated[Text, typer.Option(help="A file with the query instead.")] = None,
    token_file: Annotated[
        Text, typer.Option(help="A file with the token; - is standard input, as without.")
    ] = None,
    role: Annotated[Text, typer.Option(help="The role to ask for (x-hasura-role).")] = None,
    variables: Annotated[Text, typer.Option(help="The query's variables, as a JSON object.")] = None,
    url: Annotated[Text, typer.Option(help="Hasura's base URL; without it the one of the settings.")] = None,
    tenant: Annotated[Text, typer.Option(help=_TENANT_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Run a query with a token, as an application would: as bearer, and never with the admin secret.

    Prints the data; or the error, with what the token doctor makes of it.

    Example: frontdesk token query '{users {userId}}' --token-file token.txt
    """
    if (document is None) == (file is None):
        raise UsageError("give the query as an argument or with --file")
    place = STDIN if token_file is None else token_file
    refuse_stdin_twice(**{"the token": place, "--file": file})
    asked = document if document is not None else read_input("--file", file or STDIN)
    given = object_of("--variables", variables)
    pasted = read_input("the token", place)
    where = base_url("--url", url) if url is not None else str(load_settings(without_secrets=True).hasura.url)
    answer = query_as_bearer(where, token_in(pasted), asked, variables=given, role=role)
    explanation = _explanation(answer, pasted, where, tenant=tenant, role=role)
    if as_json:
        result = {"data": answer.data, "errors": list(answer.errors), "explanation": explanation}
        print_json(result)
    else:
        _print_answer(answer, explanation)
    raise typer.Exit(1 if answer.errors else 0)


@app.command()
def get(
    tenant: Annotated[Text, typer.Option(help="The tenant's key; not needed when there is only one.")] = None,
    device: Annotated[
        bool,
        typer.Option("--device", help="Log in on another device, with a code, instead of in a browser here."),
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the URL of the login, and open no browser.")
    ] = False,
    client_id: Annotated[
        Text, typer.Option(help="The application; without it the tenant's login_client_id.")
    ] = None,
    client_secret_file: Annotated[
        Text,
        typer.Option(
            help="Its secret (- for standard input): get a token for the application, not for a user."
        ),
    ] = None,
    scope: Annotated[str, typer.Option(help="The scopes to ask for.")] = SCOPE,
    port: Annotated[
        int,
        typer.Option(
            help="The loopback port at which the login ends, as allowed in Auth0.", min=0, max=65535
        ),
    ] = CALLBACK_PORT,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the login.", min=1, max=3600)] = int(WAIT_S),
    out: Annotated[
        Path | None,
        typer.Option(help="Write the token to this file, for its owner alone, and print nothing."),
    ] = None,
) -> None:
    """Log in, and print the access token: in the browser, on another device, or as an application.

    Nothing is kept. What the token doctor thinks of the token goes to standard error.

    Example: frontdesk token get --out token.txt
    """
    refuse_unwritable(out)
    settings = load_settings(without_secrets=True)
    key, chosen = settings.tenant(tenant)
    wanted = Application(
        issuer=str(chosen.issuer),
        client_id=_client_id(client_id, chosen, key, is_machine=client_secret_file is not None),
        audience=chosen.audience,
        scope=scope,
        client_secret=None
        if client_secret_file is None
        else read_input("--client-secret-file", client_secret_file).strip(),
    )
    if client_secret_file is not None:
        signed_in = client_credentials(wanted)
    elif device:
        signed_in = sign_in_with_device(wanted, _show_code)
    else:
        show = _show_url if no_browser else _open_browser
        signed_in = sign_in_with_browser(wanted, show, port=port, wait_s=wait)
    hand_over(signed_in.access_token, out)
    found = diagnose(signed_in.access_token, tenant_engine(settings, key, ""), now=moment_of(None))
    typer.echo(f"frontdesk: {found.sentence}", err=True)


def _client_id(given: str | None, tenant: TenantSettings, key: str, *, is_machine: bool) -> str:
    if given is not None:
        return given
    if is_machine:
        raise UsageError("--client-secret-file belongs to an application: name it with --client-id")
    if tenant.login_client_id is None:
        raise UsageError(
            f"the tenant {key} has no login_client_id: `frontdesk auth0 setup` makes one, or give --client-id"
        )
    return str(tenant.login_client_id)


def _show_url(url: str) -> None:
    typer.echo(f"Log in at:\n{url}", err=True)


def _open_browser(url: str) -> None:
    if not webbrowser.open(url):
        typer.echo("No browser could be opened.", err=True)
    _show_url(url)


def _show_code(code: DeviceCode) -> None:
    typer.echo(f"Open {code.url} and enter {code.user_code}, or open\n{code.complete_url}", err=True)


def _explanation(
    answer: BearerAnswer, pasted: str, url: str, *, tenant: str | None, role: str | None
) -> str | None:
    """Return what the doctor makes of an error; None where there is none."""
    if not answer.errors:
        return None
    settings = settings_here()
    found = None
    if settings is not None:
        engine = tenant_engine(settings, tenant, pasted)
        found = diagnose(token_in(pasted), engine, now=moment_of(None), role=role)
        if refusal_in(answer) is not None:
            return compared(found, answer, url).sentence
    return explained(answer, found)


def _print_answer(answer: BearerAnswer, explanation: str | None) -> None:
    if answer.data is not None:
        print_json(answer.data)
    for error in answer.errors:
        extensions = error.get("extensions")
        code = extensions.get("code", "no code") if isinstance(extensions, dict) else "no code"
        typer.echo(f"frontdesk: Hasura says {error.get('message')!a} ({code})", err=True)
    if explanation is not None:
        typer.echo(f"frontdesk: {explanation}", err=True)


def _exit_code(found: Diagnosis, *, strict: bool) -> int:
    if found.verdict is Verdict.REFUSED or (strict and found.verdict is Verdict.TOO_LENIENT):
        return 1
    return 0
