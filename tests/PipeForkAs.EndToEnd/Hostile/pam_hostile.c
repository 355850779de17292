/* A PAM module that does what its argument says; pam_sm_authenticate(3), pam_sm_acct_mgmt(3). Without the headers of libpam. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SUCCESS = 0, NEW_PASSWORD_REQUIRED = 12, WRONG = 7, CONVERSATION = 5, USER = 2, WITHOUT_ECHO = 1, WITH_ECHO = 2 };

struct message { int style; const char *text; };
struct response { char *text; int code; };
struct conversation { int (*ask)(int, const struct message **, struct response **, void *); void *data; };

extern char **environ;
int pam_set_item(void *handle, int item, const void *value);
int pam_get_item(const void *handle, int item, const void **value);

static int ask(void *handle, int count, int style)
{
    struct message question = {style, "? "};
    const struct message *questions[] = {&question, &question};
    struct response *answers = NULL;
    const void *found;
    int code = pam_get_item(handle, CONVERSATION, &found);
    if (code != SUCCESS)
        return code;
    const struct conversation *conversation = found;
    code = conversation->ask(count, questions, &answers, conversation->data);
    return code != SUCCESS ? code : answers && answers[0].text && strcmp(answers[0].text, "x") == 0 ? SUCCESS : WRONG;
}

/* No socket, epoll or signalfd of the daemon, no variable of it, no core dump. Who starts a daemon can leave it pipes and files. */
static int is_bare(void)
{
    int bare = prctl(PR_GET_DUMPABLE) == 0;
    for (int number = 3; number < 1024; number++) {
        char path[64], target[256] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        bare = bare && (readlink(path, target, sizeof target - 1) < 0 || (!strstr(target, "socket:") && !strstr(target, "anon_inode:")));
    }
    for (char **variable = environ; *variable; variable++)
        bare = bare && (!strncmp(*variable, "PATH=", 5) || !strncmp(*variable, "LANG=", 5) || !strncmp(*variable, "PIPEFORKAS_", 11));
    return bare;
}

int pam_sm_authenticate(void *handle, int flags, int count, const char **words)
{
    (void)flags;
    (void)count;
    int code = SUCCESS;
    if (strcmp(words[0], "echo") == 0)
        return ask(handle, 1, WITH_ECHO);
    if (strcmp(words[0], "together") == 0)
        return ask(handle, 2, WITHOUT_ECHO);
    code = ask(handle, 1, WITHOUT_ECHO);
    if (code == SUCCESS && strcmp(words[0], "again") == 0)
        return ask(handle, 1, WITHOUT_ECHO);
    if (code == SUCCESS && strcmp(words[0], "user") == 0)
        return pam_set_item(handle, USER, "daemon");
    if (code == SUCCESS && strcmp(words[0], "process") == 0)
        return is_bare() ? SUCCESS : WRONG;
    return code;
}

int pam_sm_setcred(void *handle, int flags, int count, const char **words)
{
    (void)handle;
    (void)flags;
    (void)count;
    (void)words;
    return SUCCESS;
}

int pam_sm_acct_mgmt(void *handle, int flags, int count, const char **words)
{
    (void)handle;
    (void)flags;
    (void)count;
    return strcmp(words[0], "expired") == 0 ? NEW_PASSWORD_REQUIRED : SUCCESS;
}
