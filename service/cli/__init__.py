"""The command `laurel`."""
