"""What `make bench` runs: every figure beside a reference measured in the same run."""
