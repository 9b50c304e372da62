"""What checks of sites say together: states that last, networks that agree."""
