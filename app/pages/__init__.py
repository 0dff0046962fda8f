"""One route per module: each has ROUTE, TITLE, page() and, except for the sign-in, ON_LOAD."""
