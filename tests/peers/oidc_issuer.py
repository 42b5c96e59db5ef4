"""A small OpenID Connect issuer on loopback; Python's standard library and the program openssl are all it needs.

    oidc_issuer.py PORT KEY [CONNECTOR]

KEY is an RSA private key in PEM; the issuer is http://localhost:PORT. With CONNECTOR its tokens say that it asked that one in turn,
as Dex does.

/jwt?email=E&aud=A&ttl=S hands out a token to anybody, and /actions?audience=A one of a job to who brings any bearer. The login with a browser is approved at once, that with a device at the
second question; both check the proof key (RFC 7636).
"""

import base64
import hashlib
import http.server
import json
import secrets
import subprocess
import sys
import time
import urllib.parse

port, key_file = int(sys.argv[1]), sys.argv[2]
asked = {"federated_claims": {"connector_id": sys.argv[3], "user_id": "1"}} if sys.argv[3:] else {}
issuer = f"http://localhost:{port}"
begun = {}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


modulus = bytes.fromhex(openssl("rsa", "-in", key_file, "-modulus", "-noout").decode().split("=")[1].strip())
public_key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "only", "e": "AQAB", "n": base64url(modulus)}


def token(email, audience, lifetime=600, **claims):
    now = int(time.time())
    claims = {"sub": email, "email": email, "email_verified": True} | asked | claims
    claims |= {"iss": issuer, "aud": audience, "iat": now, "exp": now + int(lifetime)}
    claims = {name: value for name, value in claims.items() if value is not None}
    parts = [{"alg": "RS256", "kid": "only", "typ": "JWT"}, claims]
    signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return signed + "." + base64url(openssl("dgst", "-sha256", "-sign", key_file, data=signed.encode()))


def discovery():
    grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]
    return {
        "issuer": issuer,
        "jwks_uri": issuer + "/keys",
        "authorization_endpoint": issuer + "/auth",
        "token_endpoint": issuer + "/token",
        "device_authorization_endpoint": issuer + "/device",
        "grant_types_supported": grants,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body, status=200, **headers):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/.well-known/openid-configuration":
            self.answer(discovery())
        elif url.path == "/keys":
            self.answer({"keys": [public_key]})
        elif url.path == "/jwt":
            self.answer(token(fields.get("email", "user@example.org"), fields.get("aud", "sigstore"), fields.get("ttl", 600)))
        elif url.path == "/actions" and self.headers.get("Authorization", "").startswith("Bearer "):
            job = "repo:acme/app:ref:refs/heads/main"
            self.answer({"value": token(None, fields["audience"], sub=job, email_verified=None)})
        elif url.path == "/auth":
            code = secrets.token_hex(16)
            begun[code] = fields
            back = urllib.parse.urlencode({"code": code, "state": fields["state"]})
            self.answer("", 302, Location=f"{fields['redirect_uri']}?{back}")
        else:
            self.answer({"error": "not_found"}, 404)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        fields = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        if self.path == "/device":
            code = secrets.token_hex(16)
            begun[code] = fields | {"pending": True}
            self.answer({"device_code": code, "user_code": "WXYZ", "verification_uri": issuer + "/go", "expires_in": 60, "interval": 1})
            return
        login = begun.get(fields.get("code") or fields.get("device_code"))
        if self.path != "/token" or login is None:
            self.answer({"error": "invalid_grant"}, 400)
        elif login.pop("pending", False):
            self.answer({"error": "authorization_pending"}, 400)
        elif login["code_challenge"] != base64url(hashlib.sha256(fields.get("code_verifier", "").encode()).digest()):
            self.answer({"error": "invalid_grant", "error_description": "the proof key does not fit"}, 400)
        else:
            nonce = {"nonce": login["nonce"]} if "nonce" in login else {}
            self.answer({"id_token": token("user@example.org", login["client_id"], **nonce), "token_type": "Bearer"})


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
