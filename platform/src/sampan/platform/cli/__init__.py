"""The command line: `sampan`. Commands are found by the entry point group `sampan.commands`.

Each entry point is a function that takes the root application and adds its commands. Modules of commands import
what they need inside the commands: a shell completion or `--help` must not pay for a server's imports. Nor does a
server pay for theirs: `sampan up` runs without the library that parses the commands of people.
"""

import sys

from sampan.platform.cli.output import ExitCode, fail_with
from sampan.platform.errors import SampanError


def main() -> None:
    """Run the command line; every expected failure is a sentence, a code and an exit status."""
    try:
        if sys.argv[1:2] == ["up"]:
            from sampan.platform.cli.up import up

            up(sys.argv[2:])
        else:
            from sampan.platform.cli.root import run

            run()
    except SampanError as error:
        fail_with(error)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
