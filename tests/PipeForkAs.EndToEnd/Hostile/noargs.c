// Executes its argument with no arguments at all, not even a name: what pkexec took for a list (CVE-2021-4034).
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
    char *none[] = { NULL };
    if (argc == 2) execve(argv[1], none, envp);
    perror(argv[0]);
    return 99;
}
