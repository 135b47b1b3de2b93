"""``python -m taskzoo`` is the command ``zoo``."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the working directory, whose files are not to be taken for modules

from taskzoo.cli import main

if __name__ == "__main__":
    main()
