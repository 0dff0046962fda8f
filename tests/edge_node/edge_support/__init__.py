"""A small world for the edge node's tests: bundles, a TUF repository, a cloud over HTTP, the node as a process."""
