"""Documents in: loaders, chunking, the ingest pipeline, its routes."""
