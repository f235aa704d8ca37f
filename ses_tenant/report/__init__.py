"""Reports for people who do not use a terminal; the only importer of jinja2."""
