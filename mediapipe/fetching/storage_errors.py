"""What an exception of the storage means, in words that contain no secret.

boto3's messages quote URLs, including the password of an endpoint or a proxy, and a server's
messages may quote the request, so only the server's code, the names of exceptions and the texts of
the operating system are shown.
"""

import re
from typing import Any

# Anything else is not an error code, and may contain a secret.
CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
HINTS = {
    "AccessDenied": "the key needs PutObject, GetObject and DeleteObject",
    "AuthorizationHeaderMalformed": "set AWS_DEFAULT_REGION to the bucket's region",
    "EntityTooLarge": "the server accepts no file of this size",
    "ExpiredToken": "the temporary credentials have expired",
    "InvalidAccessKeyId": "the server does not know AWS_ACCESS_KEY_ID",
    "InvalidArgument": "the server may refuse a header: unset AWS_REQUEST_CHECKSUM_CALCULATION",
    "NoSuchBucket": "the bucket of STORAGE_URL does not exist at this server",
    "PermanentRedirect": "set AWS_DEFAULT_REGION to the bucket's region",
    "QuotaExceeded": "the storage is full",
    "RequestTimeTooSkewed": "the clock of this host is wrong",
    "SignatureDoesNotMatch": "compare AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION",
    "SlowDown": "the server limits the rate of requests",
    "Unauthorized": "the server refuses the key, the region or a header",
    # A response to HEAD has no body, hence no code.
    "301": "set AWS_DEFAULT_REGION to the bucket's region",
    "403": "the key needs GetObject; without ListBucket a missing file is a 403 as well",
}
# By the names of the exceptions, because botocore is optional.
CAUSES = {
    "ConnectTimeoutError": "the storage accepted no connection in time",
    "ConnectionClosedError": "the storage closed the connection",
    "CredentialRetrievalError": "the credentials of this host's role cannot be read",
    "EndpointConnectionError": "cannot connect: check AWS_ENDPOINT_URL_S3, DNS and firewall",
    "InvalidRegionError": "AWS_DEFAULT_REGION is not the name of a region",
    "InvalidRetryModeError": "AWS_RETRY_MODE must be standard, adaptive or legacy",
    "NoCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "NoRegionError": "set AWS_DEFAULT_REGION",
    "ParamValidationError": "the bucket of STORAGE_URL has an invalid name",
    "PartialCredentialsError": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together",
    "ProfileNotFound": "AWS_PROFILE names a profile that does not exist",
    "ProxyConnectionError": "the proxy in HTTPS_PROXY or HTTP_PROXY cannot be reached",
    "ReadTimeoutError": "the storage did not respond in time",
    "SSLError": "TLS failed; for a CA of your own set AWS_CA_BUNDLE",
}


def explain(error: BaseException) -> str:
    """Return one line such as `PutObject: AccessDenied (HTTP 403): the key needs ...`."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        return _server_error(str(getattr(error, "operation_name", "")), response)
    name = type(error).__name__
    if cause := CAUSES.get(name):
        return f"{name}: {cause}"
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return "AWS_ENDPOINT_URL_S3 is not a URL; write for example https://minio.example.com"
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{name}: {reason}" if reason else name


def _server_error(operation: str, response: dict[str, Any]) -> str:
    code = str(response["Error"].get("Code", ""))
    if not CODE.fullmatch(code):
        code = "no code"
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    shown = f"HTTP {status}" if code == str(status) else f"{code} (HTTP {status})"
    return ": ".join(filter(None, (operation, shown, HINTS.get(code))))
