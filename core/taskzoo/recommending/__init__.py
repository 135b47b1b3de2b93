"""Which model and method to take: measured results and a probe of the rows, as forecasts with intervals."""
