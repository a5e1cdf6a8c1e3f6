"""A simulated device: it does what an app on a phone does, over HTTP alone, and keeps its state in a folder.

`docs/protocols/session.md`, `sync.md`, `events.md` and `trust.md` are all it was written from.
"""

from sampan.loadtests.device.rounds import Happening, Round
from sampan.loadtests.device.simulated import Profile, SimulatedDevice

__all__ = ["Happening", "Profile", "Round", "SimulatedDevice"]
