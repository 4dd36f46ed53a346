"""The Amazon MWAA images: what is in them, their constraint files, and environments like them."""
