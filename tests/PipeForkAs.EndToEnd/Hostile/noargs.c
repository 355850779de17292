// Executes its argument without any arguments, not even argv[0]: pkexec read past such a list (CVE-2021-4034).
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
