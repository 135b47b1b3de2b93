"""What can be said of a whole text: one label, any of several labels, or a number.

Tasks that classify or rate texts are made of one of these (composition, not inheritance): an answer holds what was
learnt of the labels, and does the loss, the decoding, the tuning on validation rows, metrics and baseline.
"""
