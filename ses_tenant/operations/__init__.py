"""One module a verb: observe, plan, apply, report. Knows `core` and the protocols it needs."""
