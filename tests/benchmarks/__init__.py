"""The benchmark: `make bench`. Bounded in count and time, on loopback only, and it ends by itself."""
