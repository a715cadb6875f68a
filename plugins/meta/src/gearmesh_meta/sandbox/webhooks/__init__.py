"""From what happens on a phone to a signed webhook request, delivered in order."""
