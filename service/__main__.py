"""`python -m service` is the command `laurel`."""

from service.cli.main import main

if __name__ == "__main__":
    main()
