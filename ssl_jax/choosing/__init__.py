"""What a run of somebody's own images is made of where nobody says it: facts -> tables -> a recipe."""
