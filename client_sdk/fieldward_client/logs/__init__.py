"""What is written down before anything is shown or accepted: journal and outbox."""
