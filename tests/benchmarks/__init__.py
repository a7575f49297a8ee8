"""The benchmark (`make bench`): bounded in requests and time, on loopback only."""
