"""The memory of a process."""

import pathlib


def resident_mb(pid: int) -> float:
    """The resident memory of a process, in MB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
