"""AWS Lambda functions: parse the event, call one operation, log what came of it.

`secret_rotation.handler` is what Secrets Manager invokes to rotate one secret, `scheduled.handler`
what a schedule invokes to run `rotate-keys`; docs/lambda.md and examples/lambda/ set them up.
"""
