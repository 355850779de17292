#!/usr/bin/python3
"""A visitor of the file page through nginx, without a browser: visit.py USER PASSWORD

Signs in, uploads a file, downloads it again, and prints what it saw.
"""
import base64
import http.client
import re
import sys
import urllib.parse

user, password = sys.argv[1:]
cookies = {}


def ask(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-Remote-User": "root", **(headers or {})}
    connection.request(method, path, body, sent)
    reply = connection.getresponse()
    for line in reply.headers.get_all("Set-Cookie") or []:
        name, value = line.split(";")[0].split("=", 1)
        cookies[name] = value
        assert "secure" in line and "httponly" in line and "samesite=strict" in line, line
    return reply.status, reply.headers, reply.read()


def form(path, **fields):
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8080"}
    return ask("POST", path, urllib.parse.urlencode(fields), kind)


def token(page):
    return re.search(rb'name="token" value="([^"]+)"', page).group(1).decode()


def encode(path):
    return base64.urlsafe_b64encode(path.encode()).decode().rstrip("=")


page = ask("GET", "/sign-in")[2]
status, headers, _ = form("/sign-in", token=token(page), user=user, password=password, next="/")
print("signed in:", status)
page = ask("GET", f"/files/{encode('/home/' + user)}/")[2]
content = bytes(range(256)) * 20_000
own = {"X-Files-Token": token(page), "Content-Length": str(len(content)), "Origin": "http://127.0.0.1:8080"}
print("uploaded:", ask("POST", f"/upload/{encode('/home/' + user)}/?name={encode('through-nginx')}", content, own)[0])
print("same bytes:", ask("GET", f"/download/{encode('/home/' + user + '/through-nginx')}")[2] == content)
status, _, page = ask("GET", f"/files/{encode('/root')}/")
print("refused:", status, re.search(rb'role="alert">([^<]*)', page).group(1).decode())
