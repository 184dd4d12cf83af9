"""All kinds of change that the suite itself puts back."""

from pam_rollback.plugin.topics import acting as of_rollback
from pam_rollback.plugin.topics import communication as of_communication
from pam_rollback.rollback.undoing import UndoKinds

KINDS: UndoKinds = {**of_rollback.pytest_pam_undo_kinds(), **of_communication.pytest_pam_undo_kinds()}
