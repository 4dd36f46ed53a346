"""An AWS of one's own on the loopback interface: moto's APIs, with work that really happens.

``python -m mwaalib.testing.standin --port 5055 --state-dir DIR`` serves the AWS APIs that moto
implements. EMR steps, Glue job runs, crawlers, Lambda functions and Step Functions executions
do their work on this machine, and their states change in time as AWS's do.
"""
