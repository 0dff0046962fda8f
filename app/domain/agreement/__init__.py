"""How far people agree about labels: coefficients, their uncertainty, and what is compared with what.

Pure: numbers in, numbers out. Definitions, formulas and sources for readers are in `docs/quality.md`.

- `coefficients`: Krippendorff's α, Cohen's κ and shares, out of sums that may be weighted.
- `boxes`: which boxes of different people are the same object.
- `answers`: one batch of samples with everybody's answers → items that can be compared.
- `tally`: sums over batches, with a bootstrap beside every sum; memory does not follow the number of samples.
- `figures`: sums → estimates with intervals.
- `pace`: seconds per sample, out of the moments at which labels were given.
"""
