"""What a release's rules name must be there when it is made, and stays as long as the release lives."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from sampan.miniapps.component import component as miniapps
from sampan.platform.audience import audiences_service, tags_service
from sampan.platform.audience.component import component as audience
from sampan.platform.audience.problems import InUse, RuleTagUnknown, RuleTooLarge
from sampan.platform.audience.rules import MAX_DEPTH
from sampan.platform.identity.component import component as identity
from sampan.platform.identity.demo_component import component as identity_demo
from sampan.platform.insight.component import component as insight
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.release import drafts
from sampan.platform.release.component import component as release
from sampan.platform.release.repository import Release, releases
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import COMPONENTS, Publishing, publishing_in, without_background
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
QUIET = (without_background(each) for each in (audience, insight))
WHOLE = (identity, identity_demo, *COMPONENTS[:-1], *QUIET, miniapps, release)
VIP = {"attr": "tag", "op": "in", "values": ["vip"]}


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path, components=WHOLE) as found:
        await found.publish(1)
        yield found


async def draft(publishing: Publishing, actor: Actor, rule: Any, **more: Any) -> Release:
    wanted = drafts.Draft("miniapp", APP, 1, rule, **more)
    return await drafts.create_release(publishing.core, WORKSPACE, actor, wanted)


async def test_a_tag_is_there_before_and_as_long_as_a_release_names_it(publishing: Publishing) -> None:
    core = publishing.core
    actor = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, "admin", "release_manager"))
    testers = {"name": "testers", "basis_points": 10_000, "audience": VIP, "advance": "person"}
    with pytest.raises(RuleTagUnknown):
        await draft(publishing, actor, VIP)
    with pytest.raises(RuleTagUnknown):
        await draft(publishing, actor, {"all": []}, stages=[testers])
    await tags_service.create_tag(core, WORKSPACE, actor, "vip", "")
    await draft(publishing, actor, {"all": []}, stages=[testers])
    with pytest.raises(InUse) as refused:
        await tags_service.delete_tag(core, WORKSPACE, actor, "vip")
    assert refused.value.facts["used_by"] == [f"release {APP} 1.1.0"]


async def test_a_saved_audience_stays_until_the_release_that_names_it_has_ended(publishing: Publishing) -> None:
    core = publishing.core
    actor = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, "admin", "release_manager"))
    saved = await audiences_service.create_audience(core, WORKSPACE, actor, name="All", note="", rule={"all": []})
    made = await draft(publishing, actor, {"attr": "audience", "op": "in", "values": [saved.id]})
    with pytest.raises(InUse) as refused:
        await audiences_service.remove_audience(core, WORKSPACE, actor, saved.id)
    assert refused.value.facts["used_by"] == [f"release {APP} 1.1.0"]
    async with core.store.workspace(WORKSPACE).write() as tx:
        await tx.execute(
            update(releases)
            .where(releases.c.workspace_id == WORKSPACE, releases.c.id == made.id)
            .values(state=ReleaseState.STOPPED)
        )
    await audiences_service.remove_audience(core, WORKSPACE, actor, saved.id)


async def test_a_rule_that_its_stages_would_make_too_deep_is_refused_at_once(publishing: Publishing) -> None:
    core = publishing.core
    actor = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, "release_manager"))
    deep: dict[str, Any] = {"all": []}
    for _ in range(MAX_DEPTH - 1):
        deep = {"not": deep}
    part = {"name": "some", "basis_points": 100, "advance": "person"}
    with pytest.raises(RuleTooLarge):
        await draft(publishing, actor, deep, stages=[part, {**part, "basis_points": 10_000}])
