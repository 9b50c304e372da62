"""How well the weights of causes do on events that people investigated, country by country."""
