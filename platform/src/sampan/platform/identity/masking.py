"""Personal data as its owner sees it on a screen that others may look at. Pure."""


def masked_name(name: str) -> str:
    """Return the first character of a name and a star for each other, at most three stars."""
    return name[:1] + "*" * min(3, len(name) - 1) if name else ""


def masked_phone(phone: str) -> str:
    """Return a phone number in E.164 with its last eight digits hidden but for four; a short one shows two."""
    if len(phone) < 12:
        return "****" + phone[-2:] if phone else ""
    return phone[:-8] + "****" + phone[-4:]
