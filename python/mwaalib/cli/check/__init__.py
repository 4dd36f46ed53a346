"""`mwaalib check`: whether a deployment is complete and healthy, and what to do where it is not."""
