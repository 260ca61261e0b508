"""Clients that nobody here wrote, as small echo bots: run by `tests/simulator/test_foreign_clients.py`."""
