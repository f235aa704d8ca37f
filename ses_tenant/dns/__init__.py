"""Live DNS; the only importer of dnspython."""
