"""``RUN/report.html``: what a finished run has learnt, in one HTML file without anything from elsewhere."""
