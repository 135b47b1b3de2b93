"""The ways of training: what ``--method`` names. Each is an object; plugins may bring more."""
