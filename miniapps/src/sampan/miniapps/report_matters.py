"""Customers' reports as a matter for people: one for each app, as long as there are reports of the last days."""

from collections.abc import Sequence

from sampan.miniapps.app_reports import reported_apps
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Attention, Matter, Severity

LASTS_DAYS = 7
LASTS_MS = LASTS_DAYS * 24 * 3600 * 1000


async def look(core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the apps that customers reported lately.

    One matter for an app, however many report it: a crowd cannot bury the other matters.
    """
    found = await reported_apps(tx, since_ms=core.now_ms() - LASTS_MS, most=MOST_OF_A_SOURCE)
    return [
        Matter(
            key=f"reports:{each.app_id}:{'grave' if each.is_grave else 'plain'}",  # worse is news
            kind="app_reported",
            severity=Severity.WARNING if each.is_grave else Severity.INFO,
            permission="report:read",
            zh=f"最近 {LASTS_DAYS} 天有 {each.number} 条关于应用 {each.app_id} 的用户举报",
            en=f"{each.number} reports about the app {each.app_id} in {LASTS_DAYS} days",
            link=f"/reports?app={each.app_id}",
            since_ms=each.first_ms,
        )
        for each in found
    ]


REPORTS = Attention("app reports", look)
