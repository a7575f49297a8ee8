"""`python -m service` is the command `laurel`."""

from service.cli import main

if __name__ == "__main__":
    main()
