"""A certificate log that promises and keeps nothing (RFC 6962 section 4.2): enough for a certificate authority to embed its promise.

    ct_log.py PORT KEY      KEY: an EC private key in PEM; needs Python's standard library and the program openssl
"""

import base64
import hashlib
import http.server
import json
import subprocess
import sys
import time

port, key_file = int(sys.argv[1]), sys.argv[2]
# The extension that makes a certificate a precertificate, 1.3.6.1.4.1.11129.2.4.3.
POISON = bytes.fromhex("060a2b06010401d679020403")


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def public_key(certificate):
    pem = openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=certificate)
    return openssl("pkey", "-pubin", "-outform", "DER", data=pem)


def read(data, start):
    """The tag at start, where its content begins, and where that ends."""
    length, content = data[start + 1], start + 2
    if length > 0x7F:
        count = length & 0x7F
        length, content = int.from_bytes(data[content : content + count], "big"), content + count
    return data[start], content, content + length


def write(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    count = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | count]) + length.to_bytes(count, "big") + content


def elements(data, start, end):
    while start < end:
        _, _, after = read(data, start)
        yield data[start:after]
        start = after


def to_be_signed(certificate):
    """The body of a precertificate without the poison (RFC 6962 section 3.2)."""
    _, inside, _ = read(certificate, 0)
    _, start, end = read(certificate, inside)
    body = b""
    for element in elements(certificate, start, end):
        if element[0] == 0xA3:
            _, sequence, _ = read(element, 0)
            _, first, last = read(element, sequence)
            kept = [extension for extension in elements(element, first, last) if POISON not in extension]
            element = write(0xA3, write(0x30, b"".join(kept)))
        body += element
    return write(0x30, body)


LOG_ID = hashlib.sha256(openssl("pkey", "-in", key_file, "-pubout", "-outform", "DER")).digest()


def promise(chain):
    milliseconds = time.time_ns() // 1_000_000
    body = to_be_signed(chain[0])
    entry = b"\0\1" + hashlib.sha256(public_key(chain[1])).digest() + len(body).to_bytes(3, "big") + body
    signed = b"\0\0" + milliseconds.to_bytes(8, "big") + entry + b"\0\0"
    signature = openssl("dgst", "-sha256", "-sign", key_file, data=signed)
    # SHA-256 and ECDSA by their numbers in TLS.
    struct = b"\4\3" + len(signature).to_bytes(2, "big") + signature
    encode = lambda data: base64.b64encode(data).decode()
    return {"sct_version": 0, "id": encode(LOG_ID), "timestamp": milliseconds, "extensions": "", "signature": encode(struct)}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(promise([base64.b64decode(part) for part in request["chain"]])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
