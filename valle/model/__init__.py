"""The networks of VALL-E, the ids they read and write, and the folder they are kept in."""
