"""Tiers: how well a bank knows a customer. Every reader compares them as numbers."""

from enum import IntEnum

from sampan.platform.identity.problems import TierUnknown


class Tier(IntEnum):
    """The four tiers, lowest first; a visitor is a device without a customer."""

    VISITOR = 0
    REGISTERED = 1
    E_ACCOUNT = 2
    FULL = 3

    @property
    def label(self) -> str:
        """The name on the wire: `visitor`, `registered`, `e_account` or `full`."""
        return LABELS[self]

    @classmethod
    def parse(cls, label: str) -> "Tier":
        """Return the tier of this name; raise `TierUnknown`."""
        try:
            return BY_LABEL[label]
        except KeyError:
            raise TierUnknown(f"There is no tier {label!r}; use one of {', '.join(BY_LABEL)}.", field="tier") from None


LABELS = {tier: tier.name.lower() for tier in Tier}
BY_LABEL = {label: tier for tier, label in LABELS.items()}
CUSTOMER_TIERS = (Tier.REGISTERED, Tier.E_ACCOUNT, Tier.FULL)


def effective_tier(customer: Tier, carries: Tier) -> Tier:
    """Return the tier that counts: never above what this device and sign-in may carry."""
    return customer if customer < carries else carries
