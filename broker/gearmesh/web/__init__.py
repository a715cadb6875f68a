"""The daemon's web server: webhooks, files for networks to fetch, health, metrics, the live path of messages."""
