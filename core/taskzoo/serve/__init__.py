"""``zoo serve``: models behind HTTP, with batches. Needs the extra ``serve`` (starlette, uvicorn, prometheus-client).

:mod:`.app` has the routes, :mod:`.batching` the queue in front of the model, :mod:`.server` the process around both.
"""
