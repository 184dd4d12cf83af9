"""Rules of readiness: pure. A record, a schedule or an answer goes in, a finding comes out."""
