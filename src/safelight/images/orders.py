"""What the darkroom and its processes say to each other.

An order is a frame: a line of JSON (the header, as it was read) and the picture. The answer is one
too: a line of JSON with the lengths of what follows it, or why it could not be done.
"""

PREVIEWS, COPY, SHRINK = b"P", b"C", b"S"
DONE, FAILED = b"D", b"E"
