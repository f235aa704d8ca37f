"""The tenants file: tenants of many accounts, as they should be."""
