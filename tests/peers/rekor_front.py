"""Serves what Rekor 2 on a directory only writes: its checkpoint and tiles, beside its interface for writing.

    rekor_front.py PORT BACKEND FOLDER
"""
import http.client
import http.server
import pathlib
import re
import sys

port, backend, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
READ = re.compile(r"^/api/v2/(checkpoint|tile/(?:entries|\d+)(?:/x\d{3})*/\d{3}(?:\.p/\d{1,3})?)$")


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        found = READ.match(self.path)
        path = folder / found.group(1) if found else None
        if path is None or not path.is_file():
            return self.reply(404, [], b"")
        self.reply(200, [("Content-Type", "application/octet-stream")], path.read_bytes())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        peer = http.client.HTTPConnection("127.0.0.1", backend, timeout=60)
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        peer.request("POST", self.path, body, headers)
        answer = peer.getresponse()
        self.reply(answer.status, answer.getheaders(), answer.read())
        peer.close()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", port), Front).serve_forever()
