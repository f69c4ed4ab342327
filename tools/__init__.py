"""What keeps the repository's own pages true."""
