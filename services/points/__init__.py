"""What Qdrant's points hold of chunks, embedded and as a server: no vendor library here."""
