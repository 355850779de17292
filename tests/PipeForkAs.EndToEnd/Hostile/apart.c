// Runs before a daemon and puts it into its own mount namespace, which ends with it. Reads ARGV0.apart, one action per line:
//   hang DIR         mount a file system that never answers on DIR
//   bind FILE PATH   bind FILE to PATH
//   set NAME=VALUE   set an environment variable
//   keep FILE        FILE is open in the daemon, and would stay open over every exec
//   drop NUMBER      the daemon has no capability of that number, as under a unit that does not list it
//   group GID        the daemon has this one supplementary group
//   score NUMBER     the OOM score adjustment, which protects the daemon when memory runs out
//   terminal now     the daemon has a controlling terminal, which is its standard input
//   exec PROGRAM     must be last: executes the program
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

static int hang(const char *directory)
{
    // The owner of the descriptor should answer the kernel; the daemon inherits it, does not use it, and keeps it open.
    char options[200];
    int device = open("/dev/fuse", O_RDWR);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    return device < 0 ? -1 : mount("hang", directory, "fuse", MS_NOSUID | MS_NODEV, options);
}

static int drop(const char *number)
{
    return prctl(PR_CAPBSET_DROP, strtoul(number, NULL, 10), 0, 0, 0);
}

static int group(const char *gid)
{
    gid_t one = (gid_t)strtoul(gid, NULL, 10);
    return setgroups(1, &one);
}

static int terminal(void)
{
    // The other end stays open in the daemon, because a terminal without it would hang up.
    int other = posix_openpt(O_RDWR | O_NOCTTY);
    if (other < 0 || grantpt(other) != 0 || unlockpt(other) != 0 || setsid() < 0) return -1;
    int own = open(ptsname(other), O_RDWR | O_NOCTTY);
    return own < 0 || ioctl(own, TIOCSCTTY, 0) != 0 || dup2(own, 0) < 0 ? -1 : 0;
}

// As OOMScoreAdjust= of a unit.
static int score(const char *value)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");
    return !file || fputs(value, file) < 0 || fclose(file) != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    char name[4096], line[8192];
    (void)argc;
    snprintf(name, sizeof name, "%s.apart", argv[0]);
    FILE *file = fopen(name, "re");
    if (!file || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) { perror(name); return 70; }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *word = strchr(line, ' ');
        if (!word) return 71;
        *word++ = 0;
        char *second = strchr(word, ' ');
        if (second) *second++ = 0;
        int result = -1;
        if (strcmp(line, "hang") == 0) result = hang(word);
        if (strcmp(line, "bind") == 0 && second) result = mount(word, second, NULL, MS_BIND, NULL);
        if (strcmp(line, "set") == 0) result = putenv(strdup(word));
        if (strcmp(line, "keep") == 0) result = open(word, O_RDONLY) < 0 ? -1 : 0;
        if (strcmp(line, "drop") == 0) result = drop(word);
        if (strcmp(line, "group") == 0) result = group(word);
        if (strcmp(line, "score") == 0) result = score(word);
        if (strcmp(line, "terminal") == 0) result = terminal();
        if (strcmp(line, "exec") == 0) { argv[0] = word; execve(word, argv, environ); }
        if (result != 0) { perror(line); return 72; }
    }
    return 73;
}
