"""What can be wrong with a key, a signature or a sealed value."""

from sampan.platform.errors import Invalid, SampanError


class AlgorithmUnknown(Invalid):
    """No algorithm of this id is built in or plugged in."""

    code = "algorithm_unknown"
    title = "Unknown signature algorithm"


class AlgorithmNotAllowed(Invalid):
    """The signature claims another algorithm than the one its key is for."""

    code = "algorithm_not_allowed"
    title = "The key does not sign with this algorithm"


class SignatureWrong(Invalid):
    """The signature does not belong to these bytes and this key."""

    code = "signature_wrong"
    title = "The signature does not verify"


class KeyUnreadable(Invalid):
    """The key is not in the form we read: encrypted PKCS#8 PEM for private, SPKI PEM for public keys."""

    code = "key_unreadable"
    field = "pem"
    title = "The key cannot be read"


class KeyFileUnsafe(Invalid):
    """A private key that anyone who copies the file can use: plain PEM, or a file others may read."""

    code = "key_file_unsafe"
    title = "The key file is not safe to use"


class SealBroken(Invalid):
    """The sealed value was changed, or belongs to another key or another place."""

    code = "seal_broken"
    title = "The sealed value does not open"


class SelfTestFailed(SampanError):
    """The machine's cryptography gives wrong answers; nothing may be signed or verified with it."""

    status = 500
    code = "crypto_self_test_failed"
    title = "The cryptography of this machine is not sound"
