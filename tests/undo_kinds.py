"""All kinds of change that the suite itself puts back."""

from pam_rollback.communication import fixtures as of_communication
from pam_rollback.journal.undoing import UndoKinds
from pam_rollback.rollback import hooks as of_rollback

KINDS: UndoKinds = {**of_rollback.pytest_pam_undo_kinds(), **of_communication.pytest_pam_undo_kinds()}
