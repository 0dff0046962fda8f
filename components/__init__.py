"""Reusable pieces of interface. They import nothing of the product: values, vars and events come in as arguments."""
