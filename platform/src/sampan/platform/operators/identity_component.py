"""The bank's console API for client apps, customers and devices as a component.

It stands here because the identity floor, which it serves, is below operators and audit.
"""

from sampan.platform.component import Component

component = Component("identity-console", later="sampan.platform.operators.identity_after_start:CONTRIBUTES")
