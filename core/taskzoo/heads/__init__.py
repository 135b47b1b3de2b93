"""Heads over whole texts: one label, any of several labels, or a number.

A :class:`~taskzoo.heads.base.Head` holds what was learnt of the labels and does loss, decoding, calibration, metrics
and baseline. :class:`~taskzoo.heads.text_task.TextTask` is the base class of tasks that have one.
"""
