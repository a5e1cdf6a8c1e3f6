"""docs/protocols/trust.md names every refusal that a device or the body checks can give, and no other."""

import re
from pathlib import Path

from sampan.offline_packages import device_store, install_rule, opened_package, trust_errors
from sampan.platform.errors import SampanError
from sampan.platform.trust import body_checks

PAGE = Path(__file__).parents[2] / "docs" / "protocols" / "trust.md"
PREFIXES = (
    "trust_",
    "install_",
    "open_",
    "store_",
    "body_",
    "control_",
    "sequence_",
    "floor_",
    "signature_",
    "publisher_",
)


def test_every_code_stands_on_the_page() -> None:
    raised = {
        found.code
        for module in (trust_errors, install_rule, device_store, opened_package, body_checks)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, SampanError) and found.__module__ == module.__name__
    }
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE.read_text()))
    assert raised - named == set()
    modules = {"signed_bytes", "install_rule", "device_store", "body_checks", "archived_app_body", "max_offline_days"}
    unknown = {name for name in named - raised - modules if name.startswith(PREFIXES)}
    assert unknown == set()
