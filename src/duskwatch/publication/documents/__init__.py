"""Documents that commands print and pages show: plain values, made of records and of what a store gives."""
