"""Tasks that generate a text from a text, such as translation and summarization.

Such a task is a subclass of :class:`~taskzoo.seq2seq.seq2seq_task.Seq2SeqTask` that says its metrics and whatever else
it wants otherwise: languages, prefix, how chunks are joined, a plain baseline.
"""
