"""An incident into weighed hypotheses; statements into checked claims."""
