"""What every Winnow process shares: domain types, errors, settings, ports and adapters."""
