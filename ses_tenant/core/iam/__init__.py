"""What IAM answers to a request: policies, conditions, globs. Knows no tenant."""
