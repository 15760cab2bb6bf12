"""The search page: server-rendered, works without scripts, better with them."""
