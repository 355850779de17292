"""What the standard library offers: a process for each request, which becomes USER and answers. forking_server.py SOCKET USER"""
import os
import pwd
import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline(65536)
        os.setgroups([])
        os.setresgid(USER.pw_gid, USER.pw_gid, USER.pw_gid)
        os.setresuid(USER.pw_uid, USER.pw_uid, USER.pw_uid)
        self.wfile.write(f"uid={os.geteuid()}\n".encode())


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 4096


USER = pwd.getpwnam(sys.argv[2])
Server(sys.argv[1], Handler).serve_forever()
