"""What users see: prober, ledger, baseline and timeline."""
