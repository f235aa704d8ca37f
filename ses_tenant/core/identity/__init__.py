"""Email identities: what SES knows of them."""
