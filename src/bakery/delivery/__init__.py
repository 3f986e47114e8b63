"""From a source to a healthy release: the use cases of apps and deployments, and the work behind them."""
