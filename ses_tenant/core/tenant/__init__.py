"""What a tenant is: its settings, names, tags, sending policy, steps and credentials."""
