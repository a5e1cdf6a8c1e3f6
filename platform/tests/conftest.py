"""How many random examples the properties of this folder try: 300, or 10,000 with SAMPAN_LONG=1."""

import os

from hypothesis import HealthCheck, settings

SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile("short", max_examples=300, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.register_profile("long", max_examples=10_000, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.load_profile("long" if os.environ.get("SAMPAN_LONG") == "1" else "short")
