// The floor: the minimum work of a server that forks for each request, becomes USER, runs a function and relays its pipe.
// One request at a time; no policy, no limits, no deadline, no check of the caller.
//   floor SOCKET USER [BYTES]   each reply is "uid=N\n", or BYTES zero bytes
//   floor --direct SOCKET       each connection has a process that endlessly writes zero bytes into it, as root: streams without a relay
//   floor --write BYTES         writes zero bytes to standard output, as a child of the floor does; 0: endlessly
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 16, RELAY_BYTES = 1 << 20 };

static char buffer[LINE_MAX_BYTES];

static long long number(const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < 0) errx(2, "%s is not a number of bytes", text);
    return value;
}

// Writes a number of zero bytes, 0 for endless output. Returns 0, or 1 if the reader closed its end.
static int write_zeros(int fd, long long bytes, int endless) {
    memset(buffer, 0, sizeof buffer);
    while (endless || bytes > 0) {
        ssize_t n = write(fd, buffer, endless || bytes > (long long)sizeof buffer ? sizeof buffer : (size_t)bytes);
        if (n < 0) {
            if (errno == EINTR) continue;
            return 1;
        }
        bytes -= n;
    }
    return 0;
}

static void child(int in, int out, uid_t uid, gid_t gid, long long bytes) {
    // A reply that fits into the pipe does not wait for a reader that disconnected; a long one would.
    if (bytes && close(in)) _exit(1);
    if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) _exit(126);
    if (bytes) _exit(write_zeros(out, bytes, 0));
    int n = snprintf(buffer, sizeof buffer, "uid=%u\n", geteuid());
    _exit(write(out, buffer, n) == n ? 0 : 1);
}

// Reads a request: to the end of a line or of the file. Returns whether any byte arrived.
static int read_line(int client) {
    size_t got = 0;
    while (got < sizeof buffer) {
        ssize_t n = read(client, buffer + got, sizeof buffer - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += n;
        if (memchr(buffer + got - n, '\n', n)) break;
    }
    return got > 0;
}

static void serve(int client, uid_t uid, gid_t gid, long long bytes) {
    int ends[2], status;
    if (!read_line(client)) {
        if (close(client)) err(1, "close");
        return;
    }
    if (pipe2(ends, O_CLOEXEC)) err(1, "pipe2");
    pid_t pid = fork();
    if (pid < 0) err(1, "fork");
    if (pid == 0) child(ends[0], ends[1], uid, gid, bytes);
    if (close(ends[1])) err(1, "close");
    for (;;) {
        ssize_t n = splice(ends[0], NULL, client, NULL, RELAY_BYTES, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EPIPE && errno != ECONNRESET) err(1, "splice");
        if (n <= 0) break;
    }
    if (close(ends[0]) || close(client)) err(1, "close");
    if (waitpid(pid, &status, 0) != pid) err(1, "waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 126) errx(1, "the child did not become the user");
}

static int listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) errx(2, "%s: too long for a socket", path);
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) err(1, "socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) err(1, "bind(%s)", path);
    if (listen(listener, 4096)) err(1, "listen");
    return listener;
}

static int accept_from(int listener) {
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0) return client;
        if (errno != EINTR && errno != ECONNABORTED) err(1, "accept4");
    }
}

static void serve_direct(int listener) {
    // Nothing waits for the children.
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR) err(1, "signal");
    for (;;) {
        int client = accept_from(listener);
        pid_t pid = fork();
        if (pid < 0) err(1, "fork");
        if (pid == 0) _exit(write_zeros(client, 0, 1));
        if (close(client)) err(1, "close");
    }
}

int main(int argc, char **argv) {
    // A disconnected client is EPIPE from splice, which does not end the server.
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) err(1, "signal");
    if (argc == 3 && !strcmp(argv[1], "--write")) {
        long long bytes = number(argv[2]);
        return write_zeros(STDOUT_FILENO, bytes, bytes == 0);
    }
    if (argc == 3 && !strcmp(argv[1], "--direct")) serve_direct(listen_on(argv[2]));
    if (argc != 3 && argc != 4) errx(2, "usage: floor SOCKET USER [BYTES] | floor --direct SOCKET | floor --write BYTES");

    errno = 0;
    struct passwd *user = getpwnam(argv[2]);
    if (!user) err(1, "no user %s", argv[2]);
    uid_t uid = user->pw_uid;
    gid_t gid = user->pw_gid;
    long long bytes = argc > 3 ? number(argv[3]) : 0;
    for (int listener = listen_on(argv[1]);;) serve(accept_from(listener), uid, gid, bytes);
}
