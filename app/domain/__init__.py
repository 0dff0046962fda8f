"""The rules, as plain Python: no I/O, no SQL, no clock, no framework."""
