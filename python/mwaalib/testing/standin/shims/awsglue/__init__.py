"""The part of AWS Glue's ``awsglue`` package that scripts need without Glue's JVM classes."""
