"""How a picture is finished: one file for each look."""
