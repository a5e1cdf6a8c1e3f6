"""What hotfixes are refused for, beside what the format itself refuses (`offline_packages/hotfix.py`)."""

from sampan.platform.errors import Conflict, Invalid, NotFound


class HotfixUnknown(NotFound):
    """The version has no hotfix of this number."""

    code = "hotfix_unknown"


class HotfixNeedsVersion(Conflict):
    """The version that the hotfix is for is not published, or not any more."""

    code = "hotfix_needs_version"


class HotfixNumberTaken(Conflict):
    """The number is not the version's next one: numbers are given once, and never again."""

    code = "hotfix_number_taken"
    field = "hotfix.n"


class HotfixBaseGone(Conflict):
    """A hotfix that this one was made on is not live: not published yet, or withdrawn."""

    code = "hotfix_base_gone"
    field = "hotfix.on"


class HotfixOpen(Conflict):
    """Another hotfix of the app is under review."""

    code = "hotfix_open"


class HotfixChecksFailed(Invalid):
    """The automatic checks found errors in the files that the hotfix changes."""

    code = "hotfix_checks_failed"


class HotfixBodyUnexpected(Invalid):
    """A signed body for a tree that takes no hotfixes."""

    code = "hotfix_body_unexpected"
    field = "bodies"


class HotfixOfMiniapps(Invalid):
    """Shared packages and native patches are named by the digests of their packages, which a hotfix changes."""

    code = "hotfix_of_miniapps"


class HotfixStacksFull(Conflict):
    """The app's control file lists as many stacks of hotfixes as it can hold."""

    code = "hotfix_stacks_full"
