"""Tasks that write a text for a text: translation, summarization.

Tasks of this kind are made of :class:`~taskzoo.text2text.task.Text2TextTask` and a purpose (composition, not
inheritance): the purpose knows languages, wording and metrics, the task rows, encoding, training and generation.
"""
