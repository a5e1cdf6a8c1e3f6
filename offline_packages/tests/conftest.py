"""How many random cases the properties try: 300 each, or 10,000 with SAMPAN_LONG=1."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("sampan", max_examples=300, deadline=None)
settings.register_profile(
    "sampan-long", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sampan-long" if os.environ.get("SAMPAN_LONG") == "1" else "sampan")
