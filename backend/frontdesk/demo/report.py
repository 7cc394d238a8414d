"""What the demo prints for people."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from frontdesk.demo.places import Places
from frontdesk.demo.story import Story
from frontdesk.demo.tenant import ANA_EMAIL


def print_places(console: Console, places: Places) -> None:
    """Print where to click while the demo is up; addresses stay whole on a narrow terminal."""
    console.print("\n[bold]It stays up. Where to click:[/bold]")
    for what, where, hint in (
        ("Sign in", places.app_url, f"as {ANA_EMAIL}, password {places.secrets.password}"),
        (
            "Login page",
            f"{places.app_url}/login",
            "the tenant's own page, with everything that a login needs",
        ),
        ("Tenant", f"{places.auth0_url}/.well-known/openid-configuration", ""),
        ("Hasura", f"{places.hasura_url}/v1/graphql", "its admin secret is in demo.json"),
        ("frontdesk", f"{places.frontdesk_url}/readyz", ""),
        ("For scripts", str(places.data_dir / "demo.json"), "addresses, ids and the demo's own secrets"),
    ):
        console.print(f"  {what:<12}[cyan]{where}[/cyan]", highlight=False, soft_wrap=True)
        if hint:
            console.print(f"  {'':<12}[dim]{hint}[/dim]", highlight=False, soft_wrap=True)
    console.print("Ctrl-C ends it.", highlight=False)


def print_story(console: Console, story: Story) -> None:
    """Print what happened, step by step, in plain words."""
    _print_part(
        console,
        "1  The Action called frontdesk",
        f"{story.login['email']} signed in (authorization code + PKCE). The login flow ran the Action, and the Action "
        "made one signed call; this is frontdesk's own log line of it:",
        story.login["action_call"],
    )
    _print_part(
        console,
        "2  The row that now stands in users",
        "Read from Hasura as admin, after one upsert by the role frontdesk:",
        story.row,
    )
    _print_part(
        console,
        "3  The claims of the access token",
        "Signature, issuer, audience and times are verified against the tenant's keys:",
        story.claims,
    )
    _print_part(
        console, "4  With that bearer token", "Hasura shows the own row, and only that one:", story.as_user
    )
    _print_part(console, "5  The same query without a token", "Hasura refuses:", story.without_token, "red")
    _print_part(
        console,
        "6  The same token, another user's row",
        "The row is there, and the token does not see it:",
        story.as_other,
    )
    activity = story.login["activity"]
    console.print(
        f"\n[bold green]7  What Auth0's log says[/bold green]\n1 activity in auth_activities: {activity['activity']}, "
        f"by the log stream, {activity['seconds_after_login']} s after the login",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_timings_table(story.timings_ms))


def _print_part(console: Console, title: str, sentence: str, fact: object, colour: str = "green") -> None:
    console.print(f"\n[bold {colour}]{title}[/bold {colour}]\n{sentence}")
    console.print(Panel(_json(fact), border_style=colour, expand=False))


def _json(fact: object) -> Text:
    text = JSON(json.dumps(fact, ensure_ascii=False)).text
    text.no_wrap, text.overflow = False, "fold"  # Hasura's messages are longer than a terminal is wide
    return text


def _timings_table(timings: Mapping[str, float]) -> Table:
    table = Table(title="Time", title_justify="left", box=None, show_header=False)
    for step, milliseconds in timings.items():
        table.add_row(step, f"{milliseconds:,.0f} ms", style="bold" if step == "ready" else "dim")
    return table
