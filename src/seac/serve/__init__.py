"""HTTP service: jobs that segment uploaded videos, kept in SQLite and run by worker processes."""
