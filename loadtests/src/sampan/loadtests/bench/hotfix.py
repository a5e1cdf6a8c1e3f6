"""Hotfixes: how soon one is on a device, and what a CodePush update check costs."""

from sampan.loadtests.bench import hotfix_codepush, hotfix_way
from sampan.loadtests.bench.harness import Session


def run(session: Session) -> None:
    """Measure each part."""
    hotfix_way.measure(session)
    hotfix_codepush.measure(session)
