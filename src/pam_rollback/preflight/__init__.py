"""Could we roll back right now? Each strategy is a list of questions."""
