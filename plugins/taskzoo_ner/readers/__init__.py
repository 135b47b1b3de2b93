"""File formats of annotation tools that hold words with tags or texts with spans."""
