"""Where a finished run is worse: slices, words, groups, changed texts, and pairs that differ in one name."""
