"""The demo sets: sentences with entities inside one another, in English and (``zh``) Chinese, and their script."""
