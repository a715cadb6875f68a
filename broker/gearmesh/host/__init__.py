"""One bridge at work: what comes in (ingress), what goes out (egress), and who keeps it running (supervisor)."""
