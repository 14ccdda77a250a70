"""The way to the server: signed requests and answers, and waiting for one's turn."""
