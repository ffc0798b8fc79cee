"""What can stand, swim or fly in a picture, drawn in a box 100 units high."""
