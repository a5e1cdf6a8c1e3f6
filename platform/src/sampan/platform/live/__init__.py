"""Streams of server-sent events: wake-ups for devices, changes for the console. See docs/protocols/live.md."""

from sampan.platform.live.hub import Hub, hub_of, publish

__all__ = ["Hub", "hub_of", "publish"]
