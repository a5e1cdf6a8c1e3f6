"""A simulated device: it does what an app on a phone does, over HTTP alone, and keeps its state in a folder.

`docs/protocols/session.md`, `sync.md`, `events.md` and `trust.md` are all it was written from.

The names below are imported from their modules when they are first asked for: a server, whose command line finds
`sampan device` here, does not load a device.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampan.loadtests.device.rounds import Happening, Round
    from sampan.loadtests.device.simulated import Profile, SimulatedDevice

__all__ = ["Happening", "Profile", "Round", "SimulatedDevice"]
_HOMES = {"Happening": "rounds", "Profile": "simulated", "Round": "rounds", "SimulatedDevice": "simulated"}


def __getattr__(name: str) -> Any:
    """Import a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
