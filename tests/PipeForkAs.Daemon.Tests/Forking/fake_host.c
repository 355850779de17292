/* A job host for tests. The name of its file selects its behaviour. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELLO = 1, JOB_OFFER = 2, READY = 3, REFUSED = 4, FORK = 16, FORKED = 17, EXITED = 18, REAP = 19, FORK_FAILED = 20, PING = 21, PONG = 22 };
enum { CONTROL = 3 };

static void say(const void *message, size_t length)
{
    if (send(CONTROL, message, length, MSG_NOSIGNAL) != (ssize_t)length)
        _exit(1);
}

static void say_kind(unsigned char kind) { say(&kind, 1); }

static void say_number(unsigned char kind, int32_t number)
{
    unsigned char message[5] = {kind};
    memcpy(message + 1, &number, 4);
    say(message, sizeof message);
}

static void say_text(unsigned char kind, const char *text)
{
    unsigned char message[256] = {kind};
    int32_t length = (int32_t)strlen(text);
    memcpy(message + 1, &length, 4);
    memcpy(message + 5, text, (size_t)length);
    say(message, 5 + (size_t)length);
}

static void say_offer(void)
{
    /* Its name, a kind, five empty texts and lists, and no timeout. */
    static const unsigned char offer[1 + 5 + 1 + 4 * 6 + 8] = {JOB_OFFER, 1, 0, 0, 0, 'a'};
    say(offer, sizeof offer);
}

static void fork_worker(int without_descriptors)
{
    int ends[2], input[2], output[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input)
        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, output))
        _exit(2);
    pid_t host = getpid(), worker = fork();
    if (worker < 0)
        _exit(2);
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != host)
            _exit(0);
        setsid();
        close(CONTROL);
        for (;;)
            pause();
    }

    int pidfd = (int)syscall(SYS_pidfd_open, worker, 0);
    unsigned char text[5] = {FORKED};
    int32_t number = worker;
    memcpy(text + 1, &number, 4);
    int descriptors[4] = {ends[0], pidfd, input[0], output[0]};
    union { char bytes[CMSG_SPACE(sizeof descriptors)]; struct cmsghdr align; } space = {0};
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (!without_descriptors) {
        message.msg_control = space.bytes;
        message.msg_controllen = sizeof space.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptors);
        memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
    }

    if (sendmsg(CONTROL, &message, MSG_NOSIGNAL) < 0)
        _exit(2);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(input[i]);
        close(output[i]);
    }
    close(pidfd);
    if (without_descriptors)
        kill(worker, SIGKILL);
}

static void tell_ended(int is_last_word)
{
    siginfo_t ended = {0};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
        static pid_t told;
        if (told == ended.si_pid)
            return;
        told = ended.si_pid;
        unsigned char message[26] = {EXITED};
        int32_t pid = ended.si_pid, value = ended.si_status;
        memcpy(message + 1, &pid, 4);
        message[5] = ended.si_code != CLD_EXITED;
        memcpy(message + 6, &value, 4);
        say(message, sizeof message);
        if (is_last_word)
            _exit(0);
    }
}

int main(int count, char **words)
{
    const char *name = strrchr(words[0], '/') + 1;
    int32_t version = VERSION;
    if (!strcmp(name, "dies"))
        return 3;
    if (!strcmp(name, "silent"))
        pause();
    if (!strcmp(name, "unasked"))
        say_kind(READY);
    say_number(HELLO, strcmp(name, "old") ? version : version - 1);
    if (!strcmp(name, "refuses")) {
        say_text(REFUSED, "I would rather not");
        return 1;
    }
    if (!strcmp(name, "rootless") && count == 2 && !strcmp(words[1], "--serve-pipeforkas-root")) {
        say_text(REFUSED, "not for root");
        return 1;
    }
    if (!strcmp(name, "renewed") && count == 2 && !strcmp(words[1], "--serve-pipeforkas-root"))
        say_offer();
    if (!strcmp(name, "greets-twice"))
        say_number(HELLO, version);
    if (!strcmp(name, "hasty"))
        fork_worker(0);
    say_kind(READY);
    if (!strcmp(name, "greets-late"))
        say_number(HELLO, version);
    if (!strcmp(name, "offers-late"))
        say_offer();
    if (!strcmp(name, "twice"))
        say_kind(READY);
    if (!strcmp(name, "babbles"))
        say_kind(99);
    if (!strcmp(name, "eager"))
        fork_worker(0);

    for (;;) {
        struct timeval patience = {0, 20000};
        setsockopt(CONTROL, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        unsigned char message[256];
        ssize_t length = recv(CONTROL, message, sizeof message, 0);
        tell_ended(!strcmp(name, "parting"));
        if (length < 0)
            continue;
        if (length == 0)
            return 0;
        switch (message[0]) {
        case FORK:
            if (!strcmp(name, "stingy"))
                say_text(FORK_FAILED, "fork: EAGAIN");
            else if (strcmp(name, "lazy"))
                fork_worker(!strcmp(name, "keeps"));
            break;
        case PING:
            if (strcmp(name, "mute"))
                say_kind(PONG);
            break;
        case REAP: {
            int32_t pid;
            memcpy(&pid, message + 1, 4);
            waitpid(pid, NULL, 0);
            break;
        }
        default:
            return 4;
        }
    }
}
