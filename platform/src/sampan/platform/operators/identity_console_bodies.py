"""Bodies and answers of the bank's API for client apps, customers and devices."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from sampan.platform.identity.repository_client_apps import ClientApp
from sampan.platform.identity.repository_customers import Customer
from sampan.platform.identity.repository_devices import CustomerDevice
from sampan.platform.identity.service_customers import Change
from sampan.platform.identity.service_devices import KnownDevice
from sampan.platform.identity.service_import import ImportReport
from sampan.platform.operators.console_bodies import Body

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Lower-case letters, digits and hyphens.")]
DevicePlatform = Literal["ios", "android", "harmony", "web"]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){0,3}$", max_length=40)]
Text = Annotated[str, Field(max_length=200)]
Reference = Annotated[
    str, Field(min_length=1, max_length=128, pattern=PRINTABLE, description="What the bank calls the customer.")
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
Channel = Annotated[str, Field(max_length=64, pattern=PRINTABLE)]
CustomerTier = Literal["registered", "e_account", "full"]


class ClientAppChange(Body):
    """What can be changed of a client app; what is left out stays as it is."""

    name: Name | None = None
    channel: Channel | None = None
    bundle_ids: dict[DevicePlatform, Text] | None = None
    minimum_versions: dict[DevicePlatform, Version] | None = None
    registers_customers: bool | None = Field(None, description="Whether a phone number without a customer makes one.")
    closed: bool | None = Field(None, description="A closed app takes no sessions.")


class NewClientApp(Body):
    """A new super-app."""

    id: Slug
    name: Name
    channel: Channel = "app"
    bundle_ids: dict[DevicePlatform, Text] = Field(default_factory=dict)
    minimum_versions: dict[DevicePlatform, Version] = Field(default_factory=dict)
    registers_customers: bool = True


class ClientAppAnswer(BaseModel):
    """A super-app."""

    id: str
    name: str
    channel: str
    bundle_ids: dict[str, str]
    minimum_versions: dict[str, str]
    registers_customers: bool
    closed: bool
    created_ms: int

    @classmethod
    def of(cls, app: ClientApp) -> "ClientAppAnswer":
        """Return the answer for a record."""
        return cls(**{name: getattr(app, name) for name in cls.model_fields})


class PersonalBody(Body):
    """A customer's personal data; this is all there is, and what is left out is empty."""

    name: Text = ""
    phone: Annotated[str, Field(max_length=32, description="International form, such as +8613800000000.")] = ""
    email: Text = ""
    lang: Annotated[str, Field(max_length=35)] = ""
    extra: dict[Text, Text] = Field(default_factory=dict, max_length=32)


class NewCustomerBody(Body):
    """A new customer."""

    bank_reference: Reference | None = None
    tier: CustomerTier = "registered"
    personal: PersonalBody = Field(default_factory=PersonalBody)


class CustomerChange(Body):
    """What can be changed of a customer; what is left out stays as it is."""

    bank_reference: Reference | None = None
    personal: PersonalBody | None = None


class TierBody(Body):
    """A customer's new tier."""

    tier: CustomerTier
    reason: Annotated[str, Field(max_length=200, description="Kept in the history; no personal data.")] = ""


class ReasonBody(Body):
    """Why; kept in the history."""

    reason: Annotated[str, Field(max_length=200, description="No personal data.")] = ""


class AssuranceBody(Body):
    """What a customer may carry on a device."""

    tier: CustomerTier


class PhoneBody(Body):
    """A phone number; in a body, so that it stands in no access log."""

    phone: Annotated[str, Field(max_length=32)]


class RotationBody(Body):
    """How to rotate the token keys."""

    at_once: bool = Field(False, description="The old key was stolen: forget it now, and with it every access token.")


class CustomerAnswer(BaseModel):
    """A customer without personal data; an erased one has no tier."""

    id: str
    bank_reference: str | None
    tier: CustomerTier | None
    created_ms: int
    erased_ms: int | None

    @classmethod
    def of(cls, customer: Customer) -> "CustomerAnswer":
        """Return the answer for a record."""
        tier: Any = customer.tier.label if customer.erased_ms is None else None
        return cls(
            id=customer.id,
            bank_reference=customer.bank_reference,
            tier=tier,
            created_ms=customer.created_ms,
            erased_ms=customer.erased_ms,
        )


class HistoryEntry(BaseModel):
    """One change of a customer."""

    n: int
    at_ms: int
    kind: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, change: Change) -> "HistoryEntry":
        """Return the answer for a record."""
        return cls(n=change.n, at_ms=change.at_ms, kind=change.kind, facts=change.facts)


class OwnerAnswer(BaseModel):
    """A customer who has signed in on a device; `assurance` is what the bank lets the two carry."""

    customer: str
    assurance: str
    first_sign_in_ms: int
    last_sign_in_ms: int


class KnownDeviceAnswer(BaseModel):
    """A device; `customer` is who is signed in on it now, `carries` the most that the device itself may carry.

    `model` is what the device says of itself, empty when it never did.
    """

    id: str
    client_app: str
    customer: str | None
    carries: str
    revoked: bool
    created_ms: int
    seen_ms: int
    model: str = ""

    @classmethod
    def of(cls, known: KnownDevice) -> "KnownDeviceAnswer":
        """Return the answer for a record."""
        device = known.device
        return cls(
            id=device.id,
            client_app=device.client_app,
            customer=device.customer_id,
            carries=device.carries.label,
            revoked=device.revoked,
            created_ms=device.created_ms,
            seen_ms=known.seen_ms,
        )


class DeviceDetail(KnownDeviceAnswer):
    """A device with its key's thumbprint (RFC 7638) and who has signed in on it, the latest first, at most 100."""

    thumbprint: str
    epoch: int
    owners: list[OwnerAnswer]

    @classmethod
    def of(cls, known: KnownDevice) -> "DeviceDetail":
        """Return the answer for a record."""
        owners = [
            OwnerAnswer(
                customer=owner.customer_id,
                assurance=owner.assurance.label,
                first_sign_in_ms=owner.first_ms,
                last_sign_in_ms=owner.last_ms,
            )
            for owner in known.owners
        ]
        shown = KnownDeviceAnswer.of(known).model_dump()
        return cls(**shown, thumbprint=known.device.thumbprint, epoch=known.device.epoch, owners=owners)


class DeviceAnswer(BaseModel):
    """A device that the customer has signed in on.

    `assurance` is what the bank lets the two carry, `carries` what counts after the device's own limit.
    """

    id: str
    client_app: str
    assurance: str
    carries: str
    signed_in: bool
    revoked: bool
    first_sign_in_ms: int
    last_sign_in_ms: int
    seen_ms: int

    @classmethod
    def of(cls, pair: CustomerDevice, seen_ms: int) -> "DeviceAnswer":
        """Return the answer for a record."""
        return cls(
            id=pair.device.id,
            client_app=pair.device.client_app,
            assurance=pair.assurance.label,
            carries=pair.carries.label,
            signed_in=pair.is_signed_in,
            revoked=pair.device.revoked,
            first_sign_in_ms=pair.first_ms,
            last_sign_in_ms=pair.last_ms,
            seen_ms=seen_ms,
        )


class RefusedLine(BaseModel):
    """A line that was not taken."""

    line: int
    bank_reference: str | None
    code: str
    detail: str


class ImportAnswer(BaseModel):
    """What became of every line."""

    created: int
    changed: int
    unchanged: int
    refused: list[RefusedLine]
    stopped_at_line: int | None = Field(description="Too many refused lines: nothing from this line on was read.")

    @classmethod
    def of(cls, report: ImportReport) -> "ImportAnswer":
        """Return the answer for a report."""
        return cls(
            created=report.counts["created"],
            changed=report.counts["changed"],
            unchanged=report.counts["unchanged"],
            refused=[
                RefusedLine(line=item.line, bank_reference=item.bank_reference, code=item.code, detail=item.detail)
                for item in report.refused
            ],
            stopped_at_line=report.stopped_at_line,
        )
