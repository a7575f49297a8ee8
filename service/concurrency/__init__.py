"""Work that must not hold the event loop: in small steps, in a thread, in child processes; and background jobs."""
