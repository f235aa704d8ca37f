"""Decisions and values: no I/O, no clock, no environment, no boto3."""
