"""What a mesh on one machine runs: programs that never outlive us, and small services that tell what came."""
