"""What was said of a product, and what of the plan can be judged there."""
