"""How long a workspace keeps what devices report; what is older goes within some minutes, and does not come back."""

from sampan.platform.errors import Invalid
from sampan.platform.operators.policies import Policy


class BadKeepDays(Invalid):
    """Events cannot be kept for so many days."""

    code = "bad_event_keep_days"
    field = "event_keep_days"


KEEP_DAYS = Policy(
    name="event_keep_days",
    default=90,
    least=7,
    most=1095,
    permission="insight:policy",
    action="insight.keep",
    refusal=BadKeepDays,
    rule="Keep events for {least} to {most} days.",
)
