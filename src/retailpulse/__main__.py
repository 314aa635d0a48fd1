"""Lets `python -m retailpulse` be the same as `retailpulse`."""

from retailpulse.cli import main

if __name__ == "__main__":
    main()
