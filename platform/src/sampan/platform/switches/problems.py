"""What switches refuse, towards people. What OFREP clients are refused stands in `ofrep`."""

from sampan.platform.errors import Conflict, Invalid, NotFound, TooLarge


class BadSwitch(Invalid):
    """The definition of a switch breaks a rule; `at` names the place."""

    code = "bad_switch"
    field = "definition"


class UnknownSwitch(NotFound):
    """No switch of this key in this workspace."""

    code = "unknown_switch"


class SwitchExists(Conflict):
    """A switch of this key is there already, perhaps archived; keys are never used twice."""

    code = "switch_exists"


class SwitchMoved(Conflict):
    """Somebody changed the switch since you read it; `edition` is the present one."""

    code = "switch_moved"


class WrongSwitchState(Conflict):
    """The switch is in a state that does not allow this."""

    code = "wrong_switch_state"


class TooManySwitches(TooLarge):
    """The workspace, or the file, has more switches than are allowed."""

    code = "too_many_switches"


class NotKillable(Conflict):
    """A value of a switch is not killed: no device holds it."""

    code = "not_killable"
