"""``python -m taskzoo`` is the command ``zoo``."""

from taskzoo.cli import main

if __name__ == "__main__":
    main()
