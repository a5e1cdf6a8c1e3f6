"""What a publisher's tool and a device refuse, each with its code and a sentence that says what to do."""

from sampan.platform.errors import Conflict, Invalid, SampanError


class TrustRefused(Invalid):
    """The base of everything a verifier refuses. What is installed and verified keeps opening."""

    code = "trust_refused"
    title = "The signed metadata is not acceptable"


class BodyMalformed(TrustRefused):
    """The bytes are no TUF metadata in the one spelling that we write."""

    code = "trust_malformed"
    title = "The metadata cannot be read"


class RoleMismatch(TrustRefused):
    """A body that was signed for another role or another tree."""

    code = "trust_role_mismatch"
    title = "The metadata belongs to another role or tree"


class NotSigned(TrustRefused):
    """Fewer good signatures than the role needs."""

    code = "trust_not_signed"
    title = "Signatures are missing or wrong"


class DelegationUnsafe(TrustRefused):
    """A delegation that would let one party alone publish."""

    code = "trust_delegation_unsafe"
    title = "The delegation is not the one the rules demand"


class RolledBack(TrustRefused):
    """Older metadata, or an older control serial, than this device has seen."""

    code = "trust_rolled_back"
    title = "Older than what was already seen"


class Expired(TrustRefused):
    """The metadata is past its expiry: nothing new installs until a fresh one arrives."""

    code = "trust_expired"
    title = "The metadata has expired"


class BytesDiffer(TrustRefused):
    """Bytes whose length or digest is not the signed one."""

    code = "trust_bytes_differ"
    title = "The bytes are not the signed ones"


class TooLong(TrustRefused):
    """The server sent more bytes than were announced."""

    code = "trust_too_long"
    title = "More bytes than announced"


class NotListed(TrustRefused):
    """The role does not list this version, or the tree does not know this app."""

    code = "trust_not_listed"
    title = "Not in the signed metadata"


class ControlMalformed(TrustRefused):
    """A control file that is not exactly of the documented form."""

    code = "control_malformed"
    title = "The control file cannot be read"


class Unreachable(SampanError):
    """The tree could not be fetched; nothing changes on the device."""

    status = 503
    code = "trust_unreachable"
    title = "The trust tree cannot be reached"


class SequenceSuperseded(Conflict):
    """A sequence that is not above every published one."""

    code = "sequence_superseded"
    title = "A higher sequence is already published"


class FloorRefused(Invalid):
    """A security floor that goes down, or above the version that carries it."""

    code = "floor_refused"
    title = "The security floor is not acceptable"
