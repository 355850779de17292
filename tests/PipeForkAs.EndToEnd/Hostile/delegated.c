// Runs before a daemon and does what systemd does for a unit with Delegate=yes: creates a control group, marks it as delegated, and
// starts the daemon in it. Reads ARGV0.group: the directory to create, then the program.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
    char name[4096], group[4096], program[4096], procs[4200];
    (void)argc;
    snprintf(name, sizeof name, "%s.group", argv[0]);
    FILE *file = fopen(name, "re");
    if (!file || !fgets(group, sizeof group, file) || !fgets(program, sizeof program, file)) { perror(name); return 70; }
    group[strcspn(group, "\n")] = 0;
    program[strcspn(program, "\n")] = 0;
    if (mkdir(group, 0755) != 0 || setxattr(group, "trusted.delegate", "1", 1, 0) != 0) { perror(group); return 71; }
    snprintf(procs, sizeof procs, "%s/cgroup.procs", group);
    FILE *into = fopen(procs, "we");
    if (!into || fprintf(into, "%d", getpid()) < 0 || fclose(into) != 0) { perror(procs); return 71; }
    argv[0] = program;
    execve(program, argv, envp);
    perror(program);
    return 71;
}
