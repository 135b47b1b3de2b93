"""Prediction for more rows than fit into memory: read, predict and write chunk by chunk, in shards that can be resumed.

* :mod:`.source`: rows of files, a few at a time; :mod:`.open_source` chooses how a file is read.
* :mod:`.predicting`: predictions of a chunk; rows that cannot be used are set apart.
* :mod:`.output_columns`, :mod:`.writers`: what is written of a row, and in which format.
* :mod:`.shards`, :mod:`.manifest`: a folder of shards, and what is done of it.
* :mod:`.job`: all of it for one request; :mod:`.ray_engine` runs it on a cluster.
"""
