"""The running service: the application, its workers, background jobs and the ops port."""
