"""What ``docs/protocol`` says of the code, compared with the code or written from it."""
