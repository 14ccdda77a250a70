"""The device's disk: the folder and what is appended to it, the numbers and times it keeps."""
