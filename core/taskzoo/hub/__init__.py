"""Finished runs on the Hugging Face hub: pushed with a card, and loaded by ``USER/NAME``."""
