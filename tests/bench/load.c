// The load generator: sends requests to a server on a Unix socket, or runs a command, repeatedly, and prints how long each took.
//   load [OPTIONS] SOCKET             connect, send the request, shut down writing, read to end of file
//   load [OPTIONS] -- COMMAND ...     run the command, read its standard output to end of file, wait for it
// Options:
//   -n COUNT     requests, default 1000          -t SECONDS  end earlier, after this time; 0: no limit
//   -c CLIENTS   at once, default 1              -w COUNT    requests before, one by one, not counted
//   -r REQUEST   a line; "{n}" in it becomes the number of the request. Without it nothing is sent
//   -e TEXT      the reply is one line, which begins with TEXT, not followed by a digit
//   -x TEXT      the reply is this line
//   -b BYTES     the reply has this number of bytes
//   -f           the reply is in frames: TEXT and BYTES apply to both outputs, and the code must be "ok"
//   -p USEC      pause before each request, not counted
//   -g USEC      all clients send at once, and again USEC after the last of them has its reply
//   -i COUNT     this number of additional connections, on which nothing is ever sent
//   -z BYTES     send this number of zero bytes after the request
//   -s SECONDS   -c clients with one request each, all read in turn for this time; prints the bytes of each stream
// Prints one line NAME=VALUE ...; times in microseconds. An unexpected reply is bad; a failed call, a reply that is cut short, and 60 s
// without a byte are errors. Exits with 1 if there were any. With -f, codes= counts the codes.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reply.h"

enum { CHUNK = 1 << 20, STREAM_CHUNK = 1 << 16, SILENCE_SECONDS = 60 };

extern char **environ;

static const char *request;
static char **command;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static long count = 1000, clients = 1, warm, pause_us, burst_us, idle, input_bytes;
static double limit_s, stream_s;

static atomic_long next_index, ok, bad, failed, bytes;
static double *latency, deadline;
static pthread_barrier_t everyone;
static int bursts_over;
static long *stream_bytes;

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int complain(const char *what) {
    if (atomic_fetch_add(&failed, 1) == 0) fprintf(stderr, "load: first error: %s: %s\n", what, strerror(errno));
    return -1;
}

static int connect_to(void) {
    struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return complain("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence)
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence)
        || connect(fd, (struct sockaddr *)&address, sizeof address)) {
        complain("connect");
        close(fd);
        return -1;
    }
    return fd;
}

static int send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return complain("send");
        data += n;
        size -= n;
    }
    return 0;
}

static int send_request(int fd, long number) {
    char text[HEAD];
    const char *hole = strstr(request, "{n}");
    int n = hole ? snprintf(text, sizeof text, "%.*s%ld%s\n", (int)(hole - request), request, number, hole + 3) : snprintf(text, sizeof text, "%s\n", request);
    if (n >= (int)sizeof text) errx(2, "the request is too long");
    return send_all(fd, text, n);
}

static void *send_input(void *argument) {
    static const char zeros[CHUNK];
    int fd = *(int *)argument;
    for (long left = input_bytes; left > 0; left -= CHUNK)
        if (send_all(fd, zeros, left < CHUNK ? left : CHUNK)) break;
    if (shutdown(fd, SHUT_WR)) complain("shutdown");
    return NULL;
}

// Reads to end of file. Returns -1 on failure.
static int read_all(int fd, char *buffer, struct reply *r) {
    for (;;) {
        ssize_t n = read(fd, buffer, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return complain("read");
        if (n == 0) return 0;
        take(r, buffer, n);
    }
}

static int ask(long number, char *buffer, struct reply *r) {
    pthread_t sender;
    int fd = connect_to();
    if (fd < 0) return -1;
    int result = request ? send_request(fd, number) : 0;
    int with_input = result == 0 && input_bytes > 0;
    if (with_input && (errno = pthread_create(&sender, NULL, send_input, &fd))) err(1, "pthread_create");
    // A server that never reads may have closed the connection already.
    if (result == 0 && !with_input && shutdown(fd, SHUT_WR) && errno != ENOTCONN) result = complain("shutdown");
    if (result == 0) result = read_all(fd, buffer, r);
    if (with_input) pthread_join(sender, NULL);
    close(fd);
    return result;
}

static int run(char *buffer, struct reply *r) {
    int ends[2], status, result;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC)) return complain("pipe2");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int spawned = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (spawned) {
        close(ends[0]);
        errno = spawned;
        return complain(command[0]);
    }
    result = read_all(ends[0], buffer, r);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return complain("waitpid");
    if (result == 0 && status != 0) {
        errno = 0;
        fprintf(stderr, "load: %s ended with status 0x%x\n", command[0], status);
        return complain("the command's end");
    }
    return result;
}

// One request, counted. Returns whether its reply was right.
static int request_once(long number, char *buffer) {
    struct reply *r = calloc(1, sizeof *r);
    if (!r) err(1, "calloc");
    int well = (command ? run(buffer, r) : ask(number, buffer, r)) == 0;
    if (well) {
        bytes += r->total;
        well = right(r);
        if (well) ok++;
        else if (atomic_fetch_add(&bad, 1) == 0) fprintf(stderr, "load: first bad reply, %ld bytes: %.300s %.300s\n", r->total, r->head, r->end);
    }
    free(r);
    return well;
}

// Waits until all clients are here and the pause is over. Returns whether there are no more bursts, the same to all.
static int await_burst(void) {
    if (pthread_barrier_wait(&everyone) == PTHREAD_BARRIER_SERIAL_THREAD) {
        bursts_over = next_index + clients > count || (deadline > 0 && now_us() >= deadline);
        if (!bursts_over) usleep(burst_us);
    }
    pthread_barrier_wait(&everyone);
    return bursts_over;
}

static void *client(void *unused) {
    char *buffer = malloc(CHUNK);
    if (!buffer) err(1, "malloc");
    for (;;) {
        if (burst_us ? await_burst() : deadline > 0 && now_us() >= deadline) break;
        long i = atomic_fetch_add(&next_index, 1);
        if (i >= count) { atomic_fetch_sub(&next_index, 1); break; }
        if (pause_us) usleep(pause_us);
        double start = now_us();
        request_once(i, buffer);
        latency[i] = now_us() - start;
    }
    free(buffer);
    return unused;
}

// All streams at once, read by one thread in turn: the scheduler would run 64 threads so unevenly that it would hide everything else. A
// stream whose bytes arrive too late has none to read in its turn.
static void read_streams(char *buffer) {
    struct pollfd *streams = calloc(clients, sizeof *streams);
    if (!streams) err(1, "calloc");
    for (long i = 0; i < clients; i++) {
        streams[i] = (struct pollfd){.fd = connect_to(), .events = POLLIN};
        if (streams[i].fd < 0 || send_request(streams[i].fd, i)) errx(1, "stream %ld was not begun", i);
    }
    for (long i = 0; i < clients; i++)
        if (read(streams[i].fd, buffer, CHUNK) <= 0) err(1, "the first bytes of stream %ld", i);

    double until = now_us() + stream_s * 1e6;
    while (now_us() < until) {
        if (poll(streams, clients, SILENCE_SECONDS * 1000) <= 0) err(1, "poll");
        for (long i = 0; i < clients; i++) {
            if (!streams[i].revents) continue;
            ssize_t n = recv(streams[i].fd, buffer, STREAM_CHUNK, MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN) continue;
            if (n <= 0) err(1, "stream %ld ended early", i);
            stream_bytes[i] += n;
        }
    }
    for (long i = 0; i < clients; i++) {
        bytes += stream_bytes[i];
        if (stream_bytes[i] > 0) ok++;
        else bad++;
        close(streams[i].fd);
    }
    free(streams);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double amount(const char *text, double max) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= max)) errx(2, "%s is not a number from 0 to %.0f", text, max);
    return value;
}

static void options(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+n:t:c:w:r:e:x:b:fp:g:i:z:s:")) != -1;)
        switch (option) {
        case 'n': count = amount(optarg, 1e8); break;
        case 't': limit_s = amount(optarg, 1e5); break;
        case 'c': clients = amount(optarg, 1e4); break;
        case 'w': warm = amount(optarg, 1e6); break;
        case 'r': request = optarg; break;
        case 'e': prefix = optarg; break;
        case 'x': line = optarg; break;
        case 'b': want_bytes = amount(optarg, 1e15); break;
        case 'f': frames = 1; break;
        case 'p': pause_us = amount(optarg, 1e6); break;
        case 'g': burst_us = amount(optarg, 1e6); break;
        case 'i': idle = amount(optarg, 1e6); break;
        case 'z': input_bytes = amount(optarg, 1e15); break;
        case 's': stream_s = amount(optarg, 1e5); break;
        default: exit(2);
        }
    if (optind >= argc || count < 1 || clients < 1) errx(2, "usage: load [OPTIONS] SOCKET | load [OPTIONS] -- COMMAND ...");
    if (!strcmp(argv[optind - 1], "--")) command = argv + optind;
    else if (optind != argc - 1 || strlen(argv[optind]) >= sizeof address.sun_path) errx(2, "one socket, or -- and a command");
    else strcpy(address.sun_path, argv[optind]);
    if (stream_s > 0 && (command || !request)) errx(2, "streams need a socket and a request");
}

int main(int argc, char **argv) {
    options(argc, argv);
    struct rlimit files = {.rlim_cur = idle + clients + 64, .rlim_max = idle + clients + 64}, had;
    if (getrlimit(RLIMIT_NOFILE, &had)) err(1, "getrlimit");
    if (had.rlim_cur < files.rlim_cur) {
        if (files.rlim_max < had.rlim_max) files.rlim_max = had.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files)) err(1, "%lu open files", (unsigned long)files.rlim_cur);
    }

    int *beside = calloc(idle + 1, sizeof *beside);
    pthread_t *threads = calloc(clients, sizeof *threads);
    latency = calloc(count, sizeof *latency);
    stream_bytes = calloc(clients, sizeof *stream_bytes);
    char *buffer = malloc(CHUNK);
    if (!beside || !threads || !latency || !stream_bytes || !buffer) err(1, "calloc");
    for (long i = 0; i < idle; i++)
        if ((beside[i] = connect_to()) < 0) err(1, "idle connection %ld", i);
    for (long i = 0; i < warm; i++)
        if (!request_once(-1 - i, buffer)) errx(1, "a request before the counted ones failed");
    ok = bytes = 0;
    memset(codes, 0, sizeof codes);

    if ((errno = pthread_barrier_init(&everyone, NULL, clients))) err(1, "pthread_barrier_init");
    double start = now_us();
    if (limit_s > 0) deadline = start + limit_s * 1e6;
    long started = stream_s > 0 ? 0 : clients;
    if (!started) read_streams(buffer);
    for (long i = 0; i < started; i++)
        if ((errno = pthread_create(&threads[i], NULL, client, NULL))) err(1, "pthread_create");
    for (long i = 0; i < started; i++) pthread_join(threads[i], NULL);
    double seconds = (now_us() - start) / 1e6;

    // An idle connection that the server closed is an error: the server must keep it.
    char byte;
    for (long i = 0; i < idle; i++)
        if (recv(beside[i], &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) complain("an idle connection was not kept");

    long done = next_index;
    printf("ok=%ld bad=%ld err=%ld seconds=%.6f bytes=%ld", (long)ok, (long)bad, (long)failed, seconds, (long)bytes);
    if (stream_s > 0) {
        printf(" mb_s=%.1f streams=", bytes / stream_s / 1e6);
        for (long i = 0; i < clients; i++) printf("%s%ld", i ? "," : "", stream_bytes[i]);
    } else if (done > 0) {
        qsort(latency, done, sizeof *latency, compare);
        printf(" mb_s=%.1f req_s=%.2f p50=%.1f p90=%.1f p99=%.1f max=%.1f", bytes / seconds / 1e6, done / seconds,
               latency[done / 2], latency[(long)(done * .9)], latency[(long)(done * .99)], latency[done - 1]);
    }
    if (frames) {
        printf(" codes=");
        for (int i = 0; i < CODES && codes[i].number; i++) printf("%s%s:%ld", i ? "," : "", codes[i].name, codes[i].number);
    }
    printf("\n");
    return bad || failed || fflush(stdout) ? 1 : 0;
}
