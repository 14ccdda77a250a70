"""Fieldward's protocol: values and pure functions.

What may not enter here: sockets, files, threads, clocks, random number generators. Time and
randomness are arguments. The server and the client SDK stand on this package and never import
each other.
"""
