"""Releases made by hand or drawn at random, for tests that decide over them without a database."""

from typing import Any

from audience_drawn import rules
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.platform.audience.rules import EVERYONE
from sampan.platform.release.caps import Cap
from sampan.platform.release.judging import NOTHING
from sampan.platform.release.repository import Release
from sampan.platform.release.schedule import ALWAYS
from sampan.platform.release.stages import EVERYBODY, Stage
from sampan.platform.release.states import ReleaseState

APP = "bank.demo.bills"


def release(sequence: int = 1, **changes: Any) -> Release:
    """Return a running release of `APP` to everybody."""
    made = Release(
        id=f"rel_{sequence:032x}",
        kind="miniapp",
        deliverable_id=APP,
        sequence=sequence,
        version=f"1.{sequence}.0",
        digest=f"sha256:{sequence:064x}",
        size_bytes=1000,
        min_host=1,
        url=f"/trust/bank-a/intl/targets/apps/{APP}/{sequence}/x.package.ma",
        client_app=None,
        audience=EVERYONE,
        stages=EVERYBODY,
        stage=0,
        stage_since_ms=0,
        started_ms=0,
        judged_from_ms=0,
        schedule=ALWAYS,
        before=NOTHING,
        update_mode="async",
        rollback_to=None,
        state=ReleaseState.RUNNING,
        is_exposed=True,
        cause="",
        row_revision=1,
        made_by="test",
        created_ms=0,
        changed_ms=0,
    )
    return replace(made, **changes)


stages = st.lists(
    st.builds(
        Stage,
        name=st.just("some"),
        basis_points=st.sampled_from([1, 100, 5000, 10_000]),
        audience=st.none() | rules,
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def drawn_releases(draw: st.DrawFn) -> list[Release]:
    """Up to six releases of a few versions, in all states."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        plan = tuple(draw(stages))
        found.append(
            release(
                draw(st.integers(1, 4)),
                id=f"rel_{draw(st.integers(0, 2**64)) * 8 + number:032x}",
                audience=draw(st.just(EVERYONE) | rules),
                stages=plan,
                stage=draw(st.integers(0, len(plan) - 1)),
                client_app=draw(st.sampled_from([None, None, "retail", "staff"])),
                min_host=draw(st.sampled_from([1, 1, 3, 5])),
                state=draw(st.sampled_from([ReleaseState.RUNNING, ReleaseState.COMPLETED, *ReleaseState])),
                is_exposed=draw(st.sampled_from([True, True, True, False])),
                cap=draw(st.sampled_from([None, None, Cap(5)])),
            )
        )
    return found
