"""What all APIs share over HTTP."""
