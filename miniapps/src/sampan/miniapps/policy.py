"""What the bank asks of every mini-app: domains, sizes, languages. Pure: values, and when one is wider than another."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from sampan.offline_packages import Policy
from sampan.offline_packages.checks import CheckPolicy
from sampan.offline_packages.manifest_vendor import is_domain
from sampan.platform.errors import Invalid

MEBIBYTE = 2**20
MAX_PACKAGE_BYTES = 1024 * MEBIBYTE
MAX_DOMAINS = 1000
LOCALE = re.compile(r"[a-z]{2,3}")


class BadPolicy(Invalid):
    """A value of the policy is out of its range."""

    code = "bad_miniapp_policy"


@dataclass(frozen=True, slots=True)
class AppPolicy:
    """The workspace's rules for packages; sizes in bytes. Without an entry on the list no domain is allowed."""

    allowed_domains: tuple[str, ...] = ()
    locales: tuple[str, ...] = ("en", "zh")
    max_package_bytes: int = 64 * MEBIBYTE
    max_file_bytes: int = 32 * MEBIBYTE
    max_files: int = 5_000

    def limits(self) -> Policy:
        """Return the limits of intake."""
        return Policy(
            max_upload_bytes=self.max_package_bytes + MEBIBYTE,
            max_package_bytes=self.max_package_bytes,
            max_file_bytes=self.max_file_bytes,
            max_files=self.max_files,
        )

    def checks(self) -> CheckPolicy:
        """Return the rules of the automatic checks."""
        return CheckPolicy(allowed_domains=self.allowed_domains, locales=self.locales)

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored and shown."""
        values = asdict(self)
        return {**values, "allowed_domains": list(self.allowed_domains), "locales": list(self.locales)}


def read_policy(value: dict[str, Any]) -> AppPolicy:
    """Return a policy from its JSON form; raise `BadPolicy`."""
    try:
        policy = AppPolicy(
            allowed_domains=tuple(sorted(set(value["allowed_domains"]))),
            locales=tuple(sorted(set(value["locales"]))),
            max_package_bytes=_number(value["max_package_bytes"]),
            max_file_bytes=_number(value["max_file_bytes"]),
            max_files=_number(value["max_files"]),
        )
    except (KeyError, TypeError) as problem:
        raise BadPolicy("Send all five members of the policy, with the types of the present one.") from problem
    _check(policy)
    return policy


def is_no_wider(before: AppPolicy, after: AppPolicy) -> bool:
    """Whether `after` lets through nothing that `before` refused."""
    return (
        set(after.allowed_domains) <= set(before.allowed_domains)
        and set(after.locales) >= set(before.locales)
        and after.max_package_bytes <= before.max_package_bytes
        and after.max_file_bytes <= before.max_file_bytes
        and after.max_files <= before.max_files
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a whole number")
    return value


def _check(policy: AppPolicy) -> None:
    if len(policy.allowed_domains) > MAX_DOMAINS:
        raise BadPolicy(f"The list may have {MAX_DOMAINS} domains.", field="allowed_domains")
    for locale in policy.locales:
        if not isinstance(locale, str) or LOCALE.fullmatch(locale) is None:
            raise BadPolicy("A language is its code of two or three letters, such as en or zh.", field="locales")
    for domain in policy.allowed_domains:
        if not isinstance(domain, str) or not is_domain(domain) or ":" in domain:
            raise BadPolicy(
                f"{str(domain)[:200]!r} is no domain: write host.example.com or *.example.com, in lower case, no port.",
                field="allowed_domains",
            )
    if not 1 <= policy.max_file_bytes <= policy.max_package_bytes <= MAX_PACKAGE_BYTES:
        raise BadPolicy(
            f"Sizes must be positive, a file no larger than a package, a package at most {MAX_PACKAGE_BYTES} bytes.",
            field="max_package_bytes",
        )
    if not 1 <= policy.max_files <= 60_000:
        raise BadPolicy("max_files lies between 1 and 60,000.", field="max_files")
