// SAGESnet
