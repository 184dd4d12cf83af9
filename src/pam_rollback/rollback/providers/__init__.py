"""Those who publish, run and keep the product: a folder each. Nothing but configuration and wiring names them."""
