"""Training: judgments read, negatives mined and guarded, models trained and written."""
