"""Where pictures are kept, and what is made of them."""
