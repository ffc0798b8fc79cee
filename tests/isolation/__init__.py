"""Nobody reads, changes or learns of what is somebody else's, and no secret leaves."""
