"""The order of a trigger's flow: where our Actions stand among other people's, which stay where they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from frontdesk.auth0.action_state import Binding
from frontdesk.errors import UsageError

MAX_BOUND = 20  # Actions of one trigger; source: Auth0 docs, "Entity Limit Policy"


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where our Actions go. Exactly one of `number` (from 1), `before` and `after` (display names) is set."""

    number: int | None = None
    before: str | None = None
    after: str | None = None

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Return what `first`, `last`, `before:<display name>`, `after:<display name>` or a number means.

        `last` is None: an Action that is bound already stays where it is. Raises UsageError.
        """
        word, _, name = text.partition(":")
        if text == "last":
            return None
        if text == "first":
            return cls(number=1)
        if word == "before" and name:
            return cls(before=name)
        if word == "after" and name:
            return cls(after=name)
        if re.fullmatch(r"[1-9][0-9]?", text):
            return cls(number=int(text))
        raise UsageError(
            f"--position: expected first, last, before:<display name>, after:<display name> or a number from 1, "
            f"got {text!r}"
        )


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One place of a flow to be written: a binding that is there, or an Action that gets one."""

    title: str
    binding: Binding | None = None

    @property
    def shown(self) -> str:
        """The name that people see in the flow editor."""
        return (self.binding and self.binding.display_name) or self.title


class PositionUnknown(UsageError):
    """The flow has not the place that was asked for."""

    type = "urn:frontdesk:problem:position-unknown"


def slots_of(flow: Sequence[Binding]) -> tuple[Slot, ...]:
    """Return a flow as it would be written to stay as it is."""
    return tuple(Slot(title=each.title, binding=each) for each in flow)


def arranged(
    flow: Sequence[Binding],
    ours: Sequence[str],
    *,
    gone: Collection[str] = (),
    position: Position | None = None,
) -> tuple[Slot, ...]:
    """Return the flow with all of `ours` (titles, in their order) in it and none of `gone`.

    Without a position what is bound stays where it is, and what is not goes beside its neighbours of `ours`, else
    to the end. With one, all of ours go there. Other people's keep their order either way.
    Raises PositionUnknown when `position` names nothing, or several things, of the flow.
    """
    slots = [slot for slot in slots_of(flow) if slot.title not in gone]
    if position is None:
        for index, title in enumerate(ours):
            if all(slot.title != title for slot in slots):
                slots.insert(_beside(slots, ours[:index], ours[index + 1 :]), Slot(title=title))
        return tuple(slots)
    bound = {slot.title: slot for slot in slots if slot.title in ours}
    others = [slot for slot in slots if slot.title not in ours]
    place = _place(others, position)
    return (*others[:place], *(bound.get(title, Slot(title=title)) for title in ours), *others[place:])


def _beside(slots: Sequence[Slot], earlier: Sequence[str], later: Sequence[str]) -> int:
    after = [index + 1 for index, slot in enumerate(slots) if slot.title in earlier]
    before = [index for index, slot in enumerate(slots) if slot.title in later]
    return max(after) if after else min(before, default=len(slots))


def _place(others: Sequence[Slot], position: Position) -> int:
    if position.number is not None:
        return min(position.number - 1, len(others))
    wanted = position.before or position.after
    places = [index for index, slot in enumerate(others) if slot.shown == wanted]
    if len(places) != 1:
        known = ", ".join(repr(slot.shown) for slot in others) or "nothing of other people"
        found = "several things are" if places else "nothing is"
        raise PositionUnknown(
            f"--position: {found} called {wanted!r} in the flow; it holds {known}. A number works always"
        )
    return places[0] + (1 if position.after else 0)
