"""Agreement out of sums: Krippendorff's α (nominal), Cohen's κ, shares of same answers, and the Wilson interval.

Every function takes sums over samples, in arrays whose last axis is the category (`C` of them) and whose leading axes
are whatever the caller likes, such as one row for each resample of a bootstrap. Where a coefficient is not defined (no
items, or everybody said the same about all of them, so that chance alone would agree too) the answer is NaN.
"""

from math import sqrt

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Z_95 = 1.959963984540054


def alpha(same: Numbers, values: Numbers) -> Numbers:
    """Krippendorff's α for nominal data, any number of people, missing values allowed. `[…, C], [… , C]` → `[…]`.

    With n_uc people giving item u the value c, and m_u = Σ_c n_uc ≥ 2 people in all, `same[c]` is
    Σ_u n_uc (n_uc − 1) / (m_u − 1), the diagonal of the coincidence matrix, and `values[c]` is Σ_u n_uc.
    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    total = values.sum(-1)
    observed = total - same.sum(-1)
    expected = total**2 - (values**2).sum(-1)
    return 1 - _ratio((total - 1) * observed, expected)


def alpha_of_each(same: Numbers, values: Numbers, total: Numbers) -> Numbers:
    """α of every category for itself: it or anything else. `[…, C], […, C], […]` → `[…, C]`.

    `total` is how many values there are in all. The other categories are taken together before α is computed.
    """
    n = total[..., None]
    return 1 - _ratio((n - 1) * (values - same), values * (n - values))


def kappa(both: Numbers, first: Numbers, second: Numbers, total: Numbers) -> Numbers:
    """Cohen's κ of two people. `[…, C]` three times and `[…]` → `[…]`.

    `both[c]` counts items to which both gave c, `first[c]` and `second[c]` those to which one of them did, `total`
    all items of the two. Source: J. Cohen, A Coefficient of Agreement for Nominal Scales, 1960.
    """
    observed = _ratio(both.sum(-1), total)
    chance = _ratio((first * second).sum(-1), total**2)
    return _ratio(observed - chance, 1 - chance)


def kappa_of_each(both: Numbers, first: Numbers, second: Numbers, total: Numbers) -> Numbers:
    """κ of every category for itself: it or anything else. Arguments as for `kappa` → `[…, C]`."""
    n = total[..., None]
    observed = _ratio(n - first - second + 2 * both, n)
    chance = _ratio(first * second + (n - first) * (n - second), n**2)
    return _ratio(observed - chance, 1 - chance)


def same_share(both: Numbers, total: Numbers) -> Numbers:
    """The share of items to which two people gave the same. `[…, C], […]` → `[…]`."""
    return _ratio(both.sum(-1), total)


def precision(both: Numbers, said: Numbers) -> Numbers:
    """What part of what was said is right. Shapes as they come."""
    return _ratio(both, said)


def f_measure(both: Numbers, truth: Numbers, said: Numbers) -> Numbers:
    """2·both / (truth + said): agreement where nobody can count the places in which there is nothing.

    κ comes to the same as those places become many. Source: Hripcsak and Rothschild, Agreement, the F-Measure, and
    Reliability in Information Retrieval, JAMIA 12 (3), 2005.
    """
    return _ratio(2 * both, truth + said)


def wilson(right: int, total: int) -> tuple[float, float] | None:
    """95 % interval of a share; unlike a bootstrap it stays honest where all or none are right.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    if total <= 0:
        return None
    share, z2 = right / total, Z_95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z_95 * sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    """Element by element; NaN where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    found = np.full(above.shape, np.nan)
    # Sums of weights carry rounding; what is zero but for rounding is zero.
    np.divide(above, below, out=found, where=np.abs(below) > 1e-9)
    return found
