"""The rollback plan of PAM as pytest sessions."""
