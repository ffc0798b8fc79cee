"""What leaves this server, and where it may lead."""
