"""Who gets in without a right, who is shown what is not theirs, and for how many users PAM fails."""
