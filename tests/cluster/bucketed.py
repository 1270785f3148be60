"""Results in a bucket on the loopback: what must be in the environment of whoever opens an ``s3://`` URI there."""


def environment(port):
    """Variables for the server of :func:`cluster.bucketserver.bucket_server`, which lets anybody in."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
    }  # fmt: skip
