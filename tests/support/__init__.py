"""Helpers of the tests: waiting, databases, people, files, signing. No test lives here."""
