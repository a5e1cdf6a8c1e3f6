"""May this version be installed; may what is installed be opened. Pure functions, one answer each.

The inputs are what was verified last: the app role (publisher and reviewer), the control file (platform) and
what this device remembers. Sync never enters: it hints, it decides nothing. Every refusal has a code and a
sentence; the order of the checks is the order in which a person would want to hear them.
"""

from msgspec import Struct

from sampan.offline_packages.control import Control, Stack
from sampan.offline_packages.roles import AppRole, SignedHotfix
from sampan.platform.errors import Forbidden

DAY_MS = 86_400_000
CLOCK_SLACK_MS = 3_600_000


class InstallRefused(Forbidden):
    """The base of every refusal to install; what is installed keeps running."""

    code = "install_refused"
    title = "The version may not be installed"


class NotSignedVersion(InstallRefused):
    """The app role does not list this sequence with this digest."""

    code = "install_not_listed"


class NotOfferable(InstallRefused):
    """Control does not offer this version."""

    code = "install_not_offerable"


class KilledVersion(InstallRefused):
    """Control has killed this version."""

    code = "install_killed"


class UnderFloor(InstallRefused):
    """Below the security floor of the app role."""

    code = "install_below_floor"


class Downgrade(InstallRefused):
    """Below the highest sequence ever installed, without a roll-back entry for this very pair."""

    code = "install_downgrade"


class FailedHere(InstallRefused):
    """This very package failed to boot on this device before."""

    code = "install_failed_here"


class HotfixNotListed(InstallRefused):
    """The app role does not list one of these hotfixes, or control not this stack of them."""

    code = "hotfix_not_listed"


class OpenRefused(Forbidden):
    """The base of every refusal to open an installed version."""

    code = "open_refused"
    title = "The app may not be opened"


class NothingInstalled(OpenRefused):
    """There is no installed version."""

    code = "open_nothing_installed"


class OpenKilled(OpenRefused):
    """The installed version was killed."""

    code = "open_killed"


class OpenUnderFloor(OpenRefused):
    """The installed version fell below the security floor."""

    code = "open_below_floor"


class TierLost(OpenRefused):
    """The last sync no longer lists the app for this subject."""

    code = "open_not_for_you"


class Offered(Struct, frozen=True):
    """The version in question: sequence and package digest."""

    sequence: int
    digest: str


def check_install(
    offered: Offered, role: AppRole, control: Control, *, highest: int, failed: frozenset[str] = frozenset()
) -> None:
    """Return when `offered` may be installed, else raise an `InstallRefused`.

    `highest` is the highest sequence ever installed on this device (0: none); `failed` are the package digests
    that did not boot here. The boot watchdog asks the same question about the kept version (`check_revert`).
    """
    version = role.versions.get(offered.sequence)
    if version is None or version.index_digest != offered.digest:
        raise NotSignedVersion(
            f"{role.app} has no signed version {offered.sequence} with this digest.", sequence=offered.sequence
        )
    killed = control.killed_entry(offered.sequence, offered.digest)
    if killed is not None:
        raise KilledVersion(f"Version {offered.sequence} of {role.app} was withdrawn ({killed.code}).", why=killed.code)
    if offered.sequence < role.floor:
        raise UnderFloor(
            f"Version {offered.sequence} of {role.app} is below the security floor {role.floor}.", floor=role.floor
        )
    if offered.sequence not in control.offerable:
        raise NotOfferable(f"Version {offered.sequence} of {role.app} is not offered at present.")
    if offered.sequence < highest and not control.allows_rollback(highest, offered.sequence, offered.digest):
        raise Downgrade(
            f"Version {offered.sequence} of {role.app} is older than {highest}, which was installed here, and no "
            "signed roll-back entry names this pair.",
            highest=highest,
        )
    if offered.digest in failed:
        raise FailedHere(f"Version {offered.sequence} of {role.app} failed to start on this device before.")


def check_revert(kept: Offered, role: AppRole, control: Control, *, highest_before: int) -> None:
    """Return when the boot watchdog may go back to the kept version; the same rule, nothing looser.

    `highest_before` is the highest sequence that had *started* here before the failing one: a version that
    never started does not count against leaving it. Once it has started, only a roll-back entry leads back.
    """
    check_install(kept, role, control, highest=highest_before)


def check_stack(
    stack: Stack, role: AppRole, control: Control, *, failed: frozenset[str] = frozenset()
) -> tuple[SignedHotfix, ...]:
    """Return the hotfixes of a stack that may be applied to its version, else raise an `InstallRefused`.

    That the version is the installed one, and that they give the digest, is checked where they are applied.
    """
    version = role.versions.get(stack.sequence)
    listed = {str(n): hotfix for (of, n), hotfix in role.hotfixes.items() if of == stack.sequence}
    named = ", ".join(stack.patches)[:100]
    if version is None or not stack.patches or not listed.keys() >= set(stack.patches):
        raise HotfixNotListed(f"{role.app} {stack.sequence} has no signed hotfixes {named}.")
    for package in (stack.digest, version.index_digest):
        killed = control.killed_entry(stack.sequence, package)
        if killed is not None:
            raise KilledVersion(
                f"Version {stack.sequence} of {role.app} was withdrawn ({killed.code}).", why=killed.code
            )
    if stack.sequence < role.floor:
        raise UnderFloor(
            f"Version {stack.sequence} of {role.app} is below the security floor {role.floor}.", floor=role.floor
        )
    if stack not in control.stacks:
        raise HotfixNotListed(f"Hotfixes {named} of {role.app} {stack.sequence} are not offered at present.")
    if stack.digest in failed:
        raise FailedHere(f"{role.app} {stack.sequence} with hotfixes {named} failed to start on this device before.")
    return tuple(listed[n] for n in stack.patches)


class Opening(Struct, frozen=True):
    """The app may open; `may_move_money` is False when the device was out of touch for too long."""

    may_move_money: bool
    why: str | None = None


def check_open(
    installed: Offered | None,
    role: AppRole | None,
    control: Control | None,
    *,
    app_id: str,
    is_listed: bool,
    last_verified_ms: int,
    now_ms: int,
) -> Opening:
    """Return how the installed version may open, else raise an `OpenRefused`.

    `role` and `control` are the last verified copies, expired or not. `is_listed` says whether the last sync
    listed the app for this subject (True before the first one). No longer offerable keeps opening.
    """
    if installed is None:
        raise NothingInstalled(f"{app_id} is not installed yet; it comes with the next sync.")
    killed = control.killed_entry(installed.sequence, installed.digest) if control else None
    if killed is not None:
        raise OpenKilled(f"This version of {app_id} was withdrawn ({killed.code}).", why=killed.code)
    if role is not None and installed.sequence < role.floor:
        raise OpenUnderFloor(
            f"This version of {app_id} is below its security floor {role.floor}; an update is needed.",
            floor=role.floor,
        )
    if not is_listed:
        raise TierLost(f"{app_id} is not available to this customer.")
    return _opening(control, last_verified_ms, now_ms)


def _opening(control: Control | None, last_verified_ms: int, now_ms: int) -> Opening:
    if control is None:
        return Opening(may_move_money=False, why="control_missing")
    if control.max_offline_days is None:
        return Opening(may_move_money=True)
    if now_ms < last_verified_ms - CLOCK_SLACK_MS:
        return Opening(may_move_money=False, why="clock_moved_back")
    if now_ms - last_verified_ms > control.max_offline_days * DAY_MS:
        return Opening(may_move_money=False, why="offline_too_long")
    return Opening(may_move_money=True)
