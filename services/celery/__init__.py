"""Work that Celery workers do for the API, by way of a Redis broker.

The broker is one more unreliable machine: every call has a short timeout, nothing waits
for it on the event loop, and what cannot be had in time is said at once.
"""
