"""Finding and loading checkpoints and tokenizers, models from scratch, losses, pooling and calibration."""
