"""The protocol once more, as ``docs/protocol.md`` has it.

Nothing here imports Fieldward. It makes the test vectors, so that what checks them did not also
make them, and it is the client that shows whether somebody could write one from the document.
It trusts its input where the document lets it; what must be refused is the vectors' business.
"""
