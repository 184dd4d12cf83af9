"""What is outside: the files of a watch (``files``), who signed a standing consent (``signature``), the rollback beside it (``child``)."""
