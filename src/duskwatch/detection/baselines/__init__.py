"""What a signal should be: a trailing median of a level, or what bins of the same season were."""
