"""Training strategies that change the loss of a batch: each is an objective around another (:mod:`.wrapping`).

Those that change the optimizer, the weights that are saved, or which layers train are in :mod:`..optim`,
:mod:`..averaging` and :mod:`..freezing`.
"""
