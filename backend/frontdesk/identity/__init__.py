"""the domain, without any I/O: users, grants, claims and the claims policy. It uses no other room."""
