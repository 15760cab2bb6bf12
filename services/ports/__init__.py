"""The seams: what an adapter must do. I/O ports are async, compute ports are sync."""
