"""Training of image classifiers, pure: files in, files out; no SQL, no HTTP, no Redis.

`spec` says what goes in and what comes out and imports nothing heavy; `run.train` does the work; `bundle.build_bundle`
packs the outcome as docs/bundle-format.md says. No module here runs a tensor operation while it is imported: a worker
preloads `workers.training.run` and forks, and a child of a process that has used OpenMP hangs for ever.
"""
