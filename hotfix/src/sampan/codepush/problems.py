"""What CodePush refuses. Its own tools show the sentence alone; the console gets problem+json."""

from sampan.platform.errors import Conflict, NotFound, SampanError, TooLarge, Unavailable


class CodePushMalformed(SampanError):
    """The request does not have the form that the CodePush protocol wants."""

    code = "codepush_malformed"


class UnknownCodePush(NotFound):
    """No such app, deployment, label, upload or access key in this workspace."""

    code = "unknown_codepush"


class CodePushNameTaken(Conflict):
    """The name or the deployment key is in use."""

    code = "codepush_name_taken"


class CodePushInUse(Conflict):
    """Devices were given something of it: it is disabled, never deleted."""

    code = "codepush_in_use"


class RolloutUnfinished(Conflict):
    """A release of the deployment still goes to a part of the devices; there is one such at a time."""

    code = "codepush_rollout_unfinished"


class RolloutMayOnlyRise(Conflict):
    """A rollout never shrinks, and one that reached everybody is over."""

    code = "codepush_rollout_may_only_rise"


class SameContent(Conflict):
    """The latest release for these binary versions has exactly this content."""

    code = "codepush_same_content"


class OtherBinary(Conflict):
    """The release to go back to is for other binary versions than the present one."""

    code = "codepush_other_binary"


class NotApproved(Conflict):
    """The release was not approved for what is asked; that takes a second person."""

    code = "codepush_not_approved"


class BadBundle(SampanError):
    """The upload is no ZIP of plain files within the limits."""

    code = "codepush_bad_bundle"


class BundleUnsigned(SampanError):
    """The bundle has no `.codepushrelease` token, or one that the deployment's public key does not verify."""

    code = "codepush_unsigned"


class BadPublicKey(SampanError):
    """The text is no RSA public key of at least 2,048 bits in PEM."""

    code = "codepush_bad_public_key"


class BundleTooLarge(TooLarge):
    """The upload is over the limit of bundles."""

    code = "codepush_bundle_too_large"


class CodePushBusy(Unavailable):
    """More reports wait than can be written; clients send theirs again."""

    code = "codepush_busy"
