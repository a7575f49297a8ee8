"""What bounds requests: fair shares of callers, admission under overload, open streams, when to come back."""
