"""The only modules that import drivers and clients: database, queue, object storage, live channel, embedded servers."""
