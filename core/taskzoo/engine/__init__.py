"""The training engine: the loop, prediction and scoring, checkpoints, and what methods are made of."""
