"""What breaks between Winnow and its servers, and what a query is told meanwhile."""
