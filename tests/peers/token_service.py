"""A token service for registries with bearer tokens, on loopback: python3 token_service.py PORT FOLDER USER:PASSWORD

Grants what USER asks for, and `pull` to everybody who brings no password. On its first start it makes FOLDER/token.pem, the certificate
that the registry trusts (`rootcertbundle`); the issuer is `peers`. Each request adds a line to FOLDER/token.log. Signs with the openssl
program, so that it needs nothing but Python's own library.
"""
import base64
import json
import os
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

PORT, FOLDER, USER = int(sys.argv[1]), sys.argv[2], sys.argv[3]
KEY, CERTIFICATE = os.path.join(FOLDER, "token.key"), os.path.join(FOLDER, "token.pem")
SECONDS_VALID = 300


def openssl(*arguments, given=None):
    return subprocess.run(("openssl",) + arguments, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def make_key():
    os.makedirs(FOLDER, exist_ok=True)
    if not os.path.exists(CERTIFICATE):
        made = CERTIFICATE + ".new"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=peers", "-days", "30", "-keyout", KEY, "-out", made)
        os.rename(made, CERTIFICATE)
    return base64.b64encode(openssl("x509", "-in", CERTIFICATE, "-outform", "DER")).decode()


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims):
    header = {"typ": "JWT", "alg": "RS256", "x5c": [CHAIN]}
    signed = text(json.dumps(header).encode()) + "." + text(json.dumps(claims).encode())
    return signed + "." + text(openssl("dgst", "-sha256", "-sign", KEY, given=signed.encode()))


def granted(scopes, user):
    for scope in " ".join(scopes).split():
        kind, rest = scope.split(":", 1)
        name, actions = rest.rsplit(":", 1)
        actions = actions.split(",") if user else [action for action in actions.split(",") if action == "pull"]
        yield {"type": kind, "name": name, "actions": actions}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        header, user = self.headers.get("authorization", ""), ""
        if header.lower().startswith("basic "):
            if base64.b64decode(header[6:]).decode() != USER:
                return self.answer(401, {"detail": "wrong password"})
            user = USER.split(":")[0]
        with open(os.path.join(FOLDER, "token.log"), "a") as log:
            log.write(json.dumps({"user": user, "scope": query.get("scope", [])}) + "\n")
        now = int(time.time())
        made = token({
            "iss": "peers", "sub": user, "aud": query.get("service", ["peers"])[0], "iat": now, "nbf": now - 5,
            "exp": now + SECONDS_VALID, "jti": uuid.uuid4().hex, "access": list(granted(query.get("scope", []), user)),
        })
        self.answer(200, {"token": made, "expires_in": SECONDS_VALID})


CHAIN = make_key()
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
