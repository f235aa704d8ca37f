"""A local AWS account for trying things out; needs the extra `sandbox`."""
