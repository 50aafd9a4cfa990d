"""`python -m valle` is the same as `valle`."""
from valle.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
