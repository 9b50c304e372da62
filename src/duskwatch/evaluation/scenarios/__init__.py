"""The scenario library: labelled series by permanent ids, to score detectors on."""
