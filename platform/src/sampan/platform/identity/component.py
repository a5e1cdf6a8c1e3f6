"""What the identity floor plugs into the server."""

from sampan.platform.component import Component, PortNeed
from sampan.platform.identity import keyring, repository_client_apps, repository_subjects
from sampan.platform.ports import SmsPort

component = Component(
    "identity",
    (
        keyring.snapshot_part,
        repository_client_apps.snapshot_part,
        repository_subjects.followed_log,
        PortNeed(SmsPort, "customers sign in with one-time codes by text message"),
    ),
    later="sampan.platform.identity.after_start:CONTRIBUTES",
)
