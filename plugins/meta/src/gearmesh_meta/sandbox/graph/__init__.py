"""The Graph API side: what the business calls."""
