"""What exporters say of traffic: NetFlow, IPFIX and sFlow, live or from captures, and files of other collectors."""
