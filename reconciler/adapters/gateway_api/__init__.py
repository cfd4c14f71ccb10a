"""Gateway API, the common standard of several meshes and gateways."""
