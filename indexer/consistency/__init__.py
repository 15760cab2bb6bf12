"""What verification, reconciliation and backups are made of."""
