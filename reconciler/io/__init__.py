"""The only code that touches Git, clusters, databases, HTTP and files."""
