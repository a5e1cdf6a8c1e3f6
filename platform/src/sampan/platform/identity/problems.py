"""Every refusal of the identity floor, with the sentence's stable code."""

from sampan.platform.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorized, Unavailable


class TokenMissing(Unauthorized):
    """No access token came with the call."""

    code = "token_missing"
    title = "No access token"


class TokenInvalid(Unauthorized):
    """The access token is none of this workspace: malformed, changed, or signed by another key."""

    code = "token_invalid"
    title = "The access token does not hold"


class TokenExpired(Unauthorized):
    """The access token is over its ten minutes."""

    code = "token_expired"
    title = "The access token is over its time"


class SessionRevoked(Unauthorized):
    """The token was good, but the customer or the device was signed out, switched or revoked since."""

    code = "session_revoked"
    title = "The session was ended"


class ProofInvalid(Unauthorized):
    """The DPoP proof (RFC 9449) is missing, malformed, for another call, or by another key."""

    code = "proof_invalid"
    title = "The proof of possession does not hold"


class ProofStale(Unauthorized):
    """The proof's time is outside the window; `server_time_ms` in the facts lets the device correct its clock."""

    code = "proof_stale"
    title = "The proof's time is not the server's"


class ProofReplayed(Unauthorized):
    """A proof with this `jti` was used before."""

    code = "proof_replayed"
    title = "The proof was used before"


class RefreshRefused(Unauthorized):
    """The refresh token is unknown, over its time, or was used before, which ended the session."""

    code = "refresh_refused"
    title = "The session cannot be continued"


class CodeWrong(Unauthorized):
    """The one-time code does not fit, was used, is over its time, or was guessed at too often."""

    code = "code_wrong"
    title = "The code does not fit"


class ClientAppUnknown(NotFound):
    """No client app of this id in the workspace."""

    code = "client_app_unknown"
    title = "Unknown client app"


class ClientAppTaken(Conflict):
    """A client app of this id exists."""

    code = "client_app_taken"
    title = "The client app exists"


class ClientAppInUse(Conflict):
    """Devices of this client app exist, so it can be closed but not deleted."""

    code = "client_app_in_use"
    title = "The client app has devices"


class ClientAppClosed(Forbidden):
    """The client app takes no sessions any more."""

    code = "client_app_closed"
    title = "The client app is closed"


class DeviceKeyUnfit(Invalid):
    """The key is not a public P-256 JWK (signing) or P-256 or X25519 JWK (envelope)."""

    code = "device_key_unfit"
    title = "The device key cannot be used"


class DeviceKeyTaken(Conflict):
    """Another client app's device has this signing key."""

    code = "device_key_taken"
    title = "The device key belongs to another device"


class DeviceRevoked(Forbidden):
    """The bank revoked this device; its key is refused for good."""

    code = "device_revoked"
    title = "The device was revoked"


class DeviceUnknown(NotFound):
    """No such device, or none of this customer."""

    code = "device_unknown"
    title = "Unknown device"


class CustomerUnknown(NotFound):
    """No such customer, or an erased one."""

    code = "customer_unknown"
    title = "Unknown customer"


class NotACustomer(Forbidden):
    """The phone number belongs to no customer, and this client app does not register customers itself."""

    code = "not_a_customer"
    title = "Not a customer"


class ReferenceTaken(Conflict):
    """Another customer has this bank reference."""

    code = "reference_taken"
    field = "bank_reference"
    title = "The bank reference is taken"


class PhoneTaken(Conflict):
    """Another customer has this phone number; `customer` in the facts names them."""

    code = "phone_taken"
    field = "personal.phone"
    title = "The phone number is taken"


class PhoneInvalid(Invalid):
    """Not an international phone number (E.164)."""

    code = "phone_invalid"
    title = "Not a phone number"


class TierUnknown(Invalid):
    """No tier of this name."""

    code = "tier_unknown"
    title = "Unknown tier"


class TierNotForCustomers(Invalid):
    """A customer is never a visitor: that is a device without a customer."""

    code = "tier_not_for_customers"
    title = "No tier for a customer"


class SubjectsExhausted(Unavailable):
    """All 2**32 - 1 subject numbers of the workspace were given out; they are never reused."""

    code = "subjects_exhausted"
    title = "No subject numbers left"


class SessionLimit(TooMany):
    """Too many new sessions from one address or for one client app."""

    code = "session_limit"
    title = "Too many new sessions"


class CodeLimit(TooMany):
    """Too many one-time codes asked for, or tried, by one phone, device or address."""

    code = "code_limit"
    title = "Too many codes"


class ImportFormatUnknown(Invalid):
    """The import is neither CSV with a header line nor JSON lines."""

    code = "import_format_unknown"
    title = "Unknown import format"


class ImportLineInvalid(Invalid):
    """One line of an import cannot be read."""

    code = "import_line_invalid"
    title = "The line cannot be read"


class DemoOnly(Forbidden):
    """A demo convenience was asked of a server that is not a demo."""

    code = "demo_only"
    title = "Only in the demo"
