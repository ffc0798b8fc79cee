"""The places a picture can be set in, each a function that fills a stage."""
