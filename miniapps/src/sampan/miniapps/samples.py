"""Where the sample mini-apps lie: in a clone beside this package's sources, in an installed wheel inside it.

Found by the entry point group `sampan.samples`, so that the demo needs to know no component.
"""

from pathlib import Path


def folder() -> Path:
    """Return the folder with `samples.json` and one folder for each sample."""
    installed = Path(__file__).parent / "sample_apps"
    return installed if installed.exists() else Path(__file__).parents[3] / "samples"
