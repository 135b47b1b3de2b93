"""From what methods gained over a probe on other data sets to what one gains on the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def predict_gain(gains: Sequence[float], variances: Sequence[float], noise: float) -> tuple[float, float]:
    """The gain that will be measured on one more data set, and half the width of its 95% interval.

    A measured gain is ``mean + effect of the data set + sampling error``, of which the variances of the errors are
    known. The weighted spread of the gains estimates the variance of effects and past errors together (the method of
    moments: DerSimonian & Kacker 2007); without the past errors, and with those to come and that of the mean, it is the
    variance of the next gain (Higgins, Thompson & Spiegelhalter 2009). Student's t has the degrees of freedom of
    Satterthwaite (1946), since only a part is estimated; where the gains differ by no more than chance, which is known,
    it is normal. With equal variances and ``noise`` like them it is the usual prediction interval.

    Args:
        gains: one for each data set, two at least.
        variances: of their sampling errors, at least 0. Vague gains have less weight.
        noise: the variance of the sampling error of the gain to come.
    """
    from scipy.stats import norm, t

    z, v = np.asarray(gains, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    share = 1 / (v + np.median(v) + 1e-12)
    share /= share.sum()
    mean = float(share @ z)
    counted = share * (1 - share)
    spread = float(share @ (z - mean) ** 2 / counted.sum())  # of effects and past errors
    past = float(counted @ v / counted.sum())
    of_mean = float(share @ share)
    known, estimated = noise + float(share**2 @ v), spread * (1 + of_mean)
    if spread <= past:
        return mean, float(norm.ppf(0.975)) * math.sqrt(known)
    total = (spread - past) * (1 + of_mean) + known
    freedom = max(1.0, (len(z) - 1) * (total / estimated) ** 2)
    return mean, float(t.ppf(0.975, freedom)) * math.sqrt(total)
