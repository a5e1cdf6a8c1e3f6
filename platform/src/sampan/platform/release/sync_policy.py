"""After how many seconds devices ask again at the latest; each hears of a change with its next answer."""

from sampan.platform.errors import Invalid
from sampan.platform.operators.policies import Policy
from sampan.platform.release.deliverables import OFFERS


class BadCheckSeconds(Invalid):
    """Devices cannot be told to ask so often, or so seldom."""

    code = "bad_sync_check_seconds"
    field = "sync_check_seconds"


CHECK_SECONDS = Policy(
    name="sync_check_seconds",
    default=1800,
    least=60,
    most=86_400,
    permission="release:policy",
    action="release.policy",
    refusal=BadCheckSeconds,
    rule="Let devices ask every {least} to {most} seconds.",
    part=OFFERS,
)
