"""The settings of a command: the environment's, with what the command line chose in their place."""

import os
from typing import Any

from sampan.platform.settings import Settings, read_settings


def settings_from(**chosen: Any) -> Settings:
    """Return the settings; raise `BadSetting`. None chooses nothing."""
    return read_settings(os.environ, **chosen)
