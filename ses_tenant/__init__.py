"""Give every web site on one Amazon SES account credentials that send only as its own domain."""

__version__ = "0.1.0"
