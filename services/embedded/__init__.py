"""The embedded stack: Tantivy, Qdrant Edge, SQLite and in-process caches in one directory."""
