"""Workers: processes, clusters and object stores."""
