"""`frontdesk demo`: the main job on this machine, against the two embedded stand-ins."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console


def command(
    once: Annotated[bool, typer.Option("--once", help="End after the run instead of staying up.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its database, keys and logs.")] = Path(
        ".frontdesk"
    ),
    port_base: Annotated[int, typer.Option(help="First of five consecutive ports on loopback.")] = 8500,
) -> None:
    """Run the main job on this machine: one login reaches Hasura and comes back with claims.

    Example: frontdesk demo --once
    """
    # Imported here: the demo's parts come with the `local` extra, which a server does not have.
    from frontdesk.demo.house import Timings, running_house
    from frontdesk.demo.places import Ports, occupied
    from frontdesk.demo.report import print_places, print_story
    from frontdesk.demo.story import tell_story
    from frontdesk.demo.welcome import announced, run_app

    _end_on(signal.SIGTERM)
    progress = Console(stderr=True, quiet=as_json)
    start = time.perf_counter()
    timings = Timings()

    def tell(step: str) -> None:
        progress.print(f"[dim]{time.perf_counter() - start:6.1f} s  {step} …[/dim]", highlight=False)

    try:
        with (
            occupied(data_dir, Ports.starting_at(port_base)) as places,
            running_house(places, timings, tell) as processes,
        ):
            timings.steps["ready"] = round((time.perf_counter() - start) * 1000, 1)
            story = tell_story(places, processes, timings, tell)
            with announced(places):
                if as_json:
                    print(json.dumps(dataclasses.asdict(story), indent=2), flush=True)
                else:
                    print_story(Console(), story)
                if not once:
                    with run_app(places):
                        print_places(progress, places)
                        _wait(processes.ensure_alive)
    except KeyboardInterrupt:
        progress.print("Stopped.")


def _end_on(number: signal.Signals) -> None:
    """Let a polite kill end the demo as Ctrl-C does, so that nothing is left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(number, interrupt)


def _wait(ensure_alive: Callable[[], None]) -> None:
    while True:
        time.sleep(1)
        ensure_alive()
