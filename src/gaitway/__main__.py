"""`python -m gaitway` is `gaitway`."""

from gaitway.cli import main

if __name__ == "__main__":
    main()
