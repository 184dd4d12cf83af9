"""Who gets in without a right, who is shown what belongs to others, and for how many users PAM fails."""
