"""Who carries the traffic of an entity: AS hegemony, links across the border, single points of failure, changes."""
