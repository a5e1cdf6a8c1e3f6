"""Identity: client apps, devices, customers and their tiers, subjects, and the tokens that name them."""
