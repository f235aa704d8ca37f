"""The only importer of boto3 and botocore; turns what AWS answers into values and SesTenantErrors.

Importing it costs about 150 ms, so the command line does so only when AWS is called.
"""
