"""Better labels: which of the given ones look wrong, and which texts to label next."""
