"""From the folder of a run to the facts of its incident, and the plot of them."""
