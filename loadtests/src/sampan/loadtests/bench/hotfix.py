"""Hotfixes: how soon one is on a device."""

from sampan.loadtests.bench import hotfix_way
from sampan.loadtests.bench.harness import Session


def run(session: Session) -> None:
    """Measure each part."""
    hotfix_way.measure(session)
