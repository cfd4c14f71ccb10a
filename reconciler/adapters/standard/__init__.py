"""Gateway API as several adapters write it: routes of Services and of gateways, and the way back. No adapter of its
own: what an implementation lacks, its adapter tells before it asks here."""
